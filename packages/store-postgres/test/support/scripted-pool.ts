import type { PgPool, PgPoolClient, PgResult } from '../../src/database/pg-pool.js'

/** What the fake does with one statement. */
export type Reply = readonly unknown[] | Error

/** A Pool without a database, for answers that a real one gives only when it is full or broken. */
export interface ScriptedPool {
  readonly pool: PgPool
  /** Texts in the order in which they were sent. */
  readonly sent: string[]
  /** Clients that were handed out, and how many of them were destroyed. */
  readonly counts: { connected: number; destroyed: number }
  /** Whether statements are sent without waiting for answers. Default `false`. */
  pipeline: boolean
  /** Decides the reply to a statement by its text. `undefined`: no rows. */
  onStatement: (text: string) => Reply | undefined
}

/** An error as `pg` makes it of an ErrorResponse. */
export function serverError(code: string, message = 'canary-message of the server'): Error {
  return Object.assign(new Error(message), {
    code,
    severity: code.startsWith('57P') ? 'FATAL' : 'ERROR',
    detail: 'canary-detail',
    where: 'canary-where',
    routine: 'canary',
  })
}

/** Creates a {@link ScriptedPool} that answers everything with no rows. */
export function scriptedPool(): ScriptedPool {
  const script: ScriptedPool = {
    sent: [],
    counts: { connected: 0, destroyed: 0 },
    pipeline: false,
    onStatement: () => undefined,
    pool: {
      on: () => {},
      connect(callback) {
        script.counts.connected += 1
        const client: PgPoolClient = {
          on: () => {},
          pipeline: script.pipeline,
          query({ text }, done) {
            script.sent.push(text)
            const reply = script.onStatement(text) ?? []
            const command = /^\s*(\w+)/.exec(text)?.[1] ?? ''
            queueMicrotask(() => {
              // pg calls back with null or undefined as the error of a success.
              if (reply instanceof Error) done(reply, undefined as unknown as PgResult)
              else done(undefined as unknown as Error, { command, rows: [...reply] })
            })
          },
          release(destroy) {
            if (destroy === true) script.counts.destroyed += 1
          },
        }
        queueMicrotask(() => callback(undefined, client, () => {}))
      },
    },
  }
  return script
}
