import { acquireTimeout, databaseUnavailable, statementTimeout } from './database-errors.js'
import type { PgPool, PgPoolClient } from './pg-pool.js'

/** The use of one connection, from waiting for it until it is given back. */
export interface ConnectionUse {
  /** Gives the connection back, or destroys it. Does nothing the second time. */
  end(broken: boolean): void
}

/** What happens during a use. After `onFailure` the use has ended. */
export interface ConnectionUser {
  onConnection(client: PgPoolClient): void
  onFailure(error: unknown): void
}

/** Hands out the connections of a Pool under deadlines. */
export interface Connections {
  /** Starts a use that may take `milliseconds` altogether. */
  use(milliseconds: number, signal: AbortSignal | undefined, user: ConnectionUser): ConnectionUse
  /** Says that a connection was found dead, so that the others of its time are replaced too. */
  suspectAll(): void
}

// More callers than this are answered at once: they could not be served before their deadline.
const MOST_WAITING = 5_000

// A timeout condemns the connections of its time at most this often, so that slow statements alone
// do not make every statement open a connection.
const SUSPECT_MILLISECONDS = 1_000

const ignore = () => {}

function destroy(client: PgPoolClient): void {
  client.release(true)
  // `release` says goodbye first, which never ends where the network swallows packets.
  const stream: unknown = Reflect.get(Reflect.get(client, 'connection') ?? {}, 'stream')
  if (typeof stream === 'object' && stream !== null && 'destroy' in stream) {
    if (typeof stream.destroy === 'function') stream.destroy()
  }
}

/**
 * Wraps a Pool, own or foreign.
 *
 * A statement that times out, or whose connection turns out to be dead, says that the idle connections
 * beside it may lead nowhere too: after a network that dropped packets nobody told them. They are
 * replaced when their turn comes, not after a timeout each.
 */
export function createConnections(pool: PgPool, acquireMilliseconds: number): Connections {
  const generations = new WeakMap<PgPoolClient, number>()
  let generation = 0
  let suspectedAt = Number.NEGATIVE_INFINITY
  let waiting = 0

  function isSuspect(client: PgPoolClient): boolean {
    const known = generations.get(client)
    if (known !== undefined) return known < generation
    // While a client is checked out, nobody else listens; an error without a listener ends the process.
    client.on('error', ignore)
    generations.set(client, generation)
    return false
  }

  function suspectAll(): void {
    const now = performance.now()
    if (now - suspectedAt < SUSPECT_MILLISECONDS) return
    suspectedAt = now
    generation += 1
  }

  return {
    suspectAll,
    use(milliseconds, signal, user) {
      const started = performance.now()
      let client: PgPoolClient | undefined
      let isOver = false
      let timer = setTimeout(onTimer, Math.min(milliseconds, acquireMilliseconds))

      function end(broken: boolean): void {
        if (isOver) return
        isOver = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        if (client === undefined) return
        if (broken) destroy(client)
        else client.release()
      }

      function fail(error: unknown): void {
        if (isOver) return
        end(true)
        user.onFailure(error)
      }

      function onAbort(): void {
        fail(signal?.reason)
      }

      function onTimer(): void {
        if (client === undefined) {
          fail(acquireTimeout())
          return
        }
        const left = milliseconds - (performance.now() - started)
        if (left >= 1) {
          timer = setTimeout(onTimer, left)
          return
        }
        suspectAll()
        fail(statementTimeout())
      }

      function acquire(): void {
        waiting += 1
        pool.connect((error, next) => {
          waiting -= 1
          if (next === undefined) fail(error)
          else if (isSuspect(next)) {
            destroy(next)
            if (!isOver) acquire()
          } else if (isOver) {
            next.release()
          } else {
            client = next
            user.onConnection(next)
          }
        })
      }

      signal?.addEventListener('abort', onAbort)
      if (waiting < MOST_WAITING) acquire()
      else
        queueMicrotask(() =>
          fail(databaseUnavailable('too many callers wait for the database', 'EAGAIN')),
        )
      return { end }
    },
  }
}
