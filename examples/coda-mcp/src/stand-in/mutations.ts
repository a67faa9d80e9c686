import { randomUUID } from 'node:crypto'
import { notFound } from './coda-reply.js'

/** Changes that were accepted and are applied later, as Coda does. */
export interface Mutations {
  /** Queues a change and returns its request id. */
  queue(apply: () => void): string
  /** Applies what is due. */
  settle(): void
  /** @throws CodaReplyError 404 for an unknown id, or one that is not visible yet. */
  status(requestId: string): { completed: boolean }
}

/** Creates a queue whose changes are applied `settleMs` after they were accepted. */
export function createMutations(options: {
  readonly now: () => number
  readonly settleMs: number
  /** For how long the status of a new change is still 404, in milliseconds. */
  readonly unknownMs: number
}): Mutations {
  const { now, settleMs, unknownMs } = options
  const entries = new Map<string, { readonly at: number; apply: (() => void) | undefined }>()

  function settle(): void {
    for (const entry of entries.values()) {
      if (entry.apply === undefined || now() < entry.at + settleMs) continue
      entry.apply()
      entry.apply = undefined
    }
  }

  return {
    settle,
    queue(apply) {
      const requestId = `mutate:${randomUUID()}`
      entries.set(requestId, { at: now(), apply })
      settle()
      return requestId
    },
    status(requestId) {
      const entry = entries.get(requestId)
      if (entry === undefined || now() < entry.at + unknownMs) throw notFound('this request')
      return { completed: entry.apply === undefined }
    },
  }
}
