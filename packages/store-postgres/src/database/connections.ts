import { acquireTimeout, databaseUnavailable, statementTimeout } from './database-errors.js'
import { createDueTimes } from './due-times.js'
import type { PgPool, PgPoolClient } from './pg-pool.js'

/** The use of one connection, from waiting for it until it is given back. */
export interface ConnectionUse {
  /** Gives the connection back, or destroys it. Does nothing the second time. */
  end(broken: boolean): void
}

/** What happens during a use. After `onFailure` the use has ended. */
export interface ConnectionUser {
  onConnection(client: PgPoolClient, use: ConnectionUse): void
  onFailure(error: unknown): void
}

/** Hands out the connections of a Pool under deadlines. */
export interface Connections {
  /** Starts a use that may take `milliseconds` altogether. */
  use(milliseconds: number, signal: AbortSignal | undefined, user: ConnectionUser): ConnectionUse
  /** Says that a connection was found dead, so that the others of its time are replaced too. */
  suspectAll(): void
  /** Gives back what is kept for the next use, from now on at once. */
  close(): void
}

/** How a Pool is used. */
export interface ConnectionsOptions {
  readonly acquireMilliseconds: number
  /** Whether others use the Pool too, from whom no connection may be kept. */
  readonly isShared: boolean
}

// More callers than this are answered at once: they could not be served before their deadline.
const MOST_WAITING = 5_000

// A timeout condemns the connections of its time at most this often, so that slow statements alone
// do not make every statement open a connection.
const SUSPECT_MILLISECONDS = 1_000

// A connection that was just used is kept for the next use this long: going through the Pool costs as
// much as reading the answer of a statement.
const LINGER_MILLISECONDS = 25

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
export function createConnections(
  pool: PgPool,
  { acquireMilliseconds, isShared }: ConnectionsOptions,
): Connections {
  const dueTimes = createDueTimes()
  const generations = new WeakMap<PgPoolClient, number>()
  const dead = new WeakSet<PgPoolClient>()
  let lingering: PgPoolClient[] = []
  let isLingering = false
  let closed = false
  let generation = 0
  let suspectedAt = Number.NEGATIVE_INFINITY
  let waiting = 0

  function isSuspect(client: PgPoolClient): boolean {
    const known = generations.get(client)
    if (known !== undefined) return known < generation || dead.has(client)
    // While a client is checked out, nobody else listens; an error without a listener ends the process.
    client.on('error', () => dead.add(client))
    generations.set(client, generation)
    return false
  }

  function suspectAll(): void {
    const now = performance.now()
    if (now - suspectedAt < SUSPECT_MILLISECONDS) return
    suspectedAt = now
    generation += 1
  }

  function releaseLingering(): void {
    isLingering = false
    const released = lingering
    lingering = []
    for (const client of released) client.release()
  }

  function giveBack(client: PgPoolClient): void {
    if (isShared || closed || waiting > 0) {
      client.release()
      return
    }
    lingering.push(client)
    if (isLingering) return
    isLingering = true
    setTimeout(releaseLingering, LINGER_MILLISECONDS).unref()
  }

  function takeLingering(): PgPoolClient | undefined {
    for (;;) {
      const client = lingering.pop()
      if (client === undefined || !isSuspect(client)) return client
      destroy(client)
    }
  }

  return {
    suspectAll,
    close() {
      closed = true
      releaseLingering()
    },
    use(milliseconds, signal, user) {
      const started = performance.now()
      let client: PgPoolClient | undefined
      let isOver = false
      const due = { at: started + Math.min(milliseconds, acquireMilliseconds), onDue }

      function end(broken: boolean): void {
        if (isOver) return
        isOver = true
        dueTimes.remove(due)
        signal?.removeEventListener('abort', onAbort)
        if (client === undefined) return
        if (broken) destroy(client)
        else giveBack(client)
      }

      function fail(error: unknown): void {
        if (isOver) return
        end(true)
        user.onFailure(error)
      }

      function onAbort(): void {
        fail(signal?.reason)
      }

      function onDue(now: number): void {
        if (client === undefined) {
          fail(acquireTimeout())
          return
        }
        due.at = started + milliseconds
        if (now < due.at) return
        suspectAll()
        fail(statementTimeout())
      }

      function start(next: PgPoolClient): void {
        client = next
        user.onConnection(next, use)
      }

      function acquire(): void {
        const kept = takeLingering()
        if (kept !== undefined) {
          start(kept)
          return
        }
        waiting += 1
        pool.connect((error, next) => {
          waiting -= 1
          if (next === undefined) fail(error)
          else if (isSuspect(next)) {
            destroy(next)
            if (!isOver) acquire()
          } else if (isOver) {
            next.release()
          } else start(next)
        })
      }

      const use = { end }
      dueTimes.add(due)
      signal?.addEventListener('abort', onAbort)
      if (waiting < MOST_WAITING) acquire()
      else
        queueMicrotask(() =>
          fail(databaseUnavailable('too many callers wait for the database', 'EAGAIN')),
        )
      return use
    },
  }
}
