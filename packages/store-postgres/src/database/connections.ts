import { acquireTimeout, databaseUnavailable, statementTimeout } from './database-errors.js'
import { createDueTimes } from './due-times.js'
import { destroyClient, type PgPool, type PgPoolClient } from './pg-pool.js'
import { createSuspicion } from './suspicion.js'

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

/** What a connection is used for: one statement that may be run twice, or anything else. */
export type ConnectionPurpose = 'read' | 'any'

/** Hands out the connections of a Pool under deadlines. */
export interface Connections {
  /** Starts a use that may take `milliseconds` altogether. */
  use(
    milliseconds: number,
    signal: AbortSignal | undefined,
    user: ConnectionUser,
    purpose?: ConnectionPurpose,
  ): ConnectionUse
  /** Says that a connection was found dead, so that the others of its time are replaced too. */
  suspectAll(): void
  /** Gives back what is kept for the next use, from now on at once. */
  close(): void
}

/** How a Pool is used. */
export interface ConnectionsOptions {
  readonly acquireMilliseconds: number
  /** Most connections, where they send statements without waiting for answers; else absent. */
  readonly pipelines?: number | undefined
  /** Whether others use the Pool too, from whom no connection may be kept. */
  readonly isShared: boolean
}

// More callers than this are answered at once: they could not be served before their deadline.
const MOST_WAITING = 5_000

// A connection that was just used is kept for the next use this long: going through the Pool costs as
// much as reading the answer of a statement.
const LINGER_MILLISECONDS = 25

// Reads that travel on one connection at the same time. Each is answered within a fraction of a millisecond.
const MOST_SHARED = 100

/** A connection that was taken from the Pool. */
interface Loan {
  readonly client: PgPoolClient
  users: number
  isBroken: boolean
}

/** A read that waits for the connection of another. */
interface Follower {
  start(loan: Loan): void
  /** Makes it wait for a connection itself. */
  acquire(): void
}

/**
 * Wraps a Pool, own or foreign.
 *
 * Where statements are pipelined, reads that find all connections taken by other reads go along with
 * them. One connection answers one statement for each turn of the event loop: hundreds of callers whose
 * credentials nobody has read yet, at a process that was just started, would wait for longer than they may.
 */
export function createConnections(
  pool: PgPool,
  { acquireMilliseconds, pipelines, isShared }: ConnectionsOptions,
): Connections {
  const dueTimes = createDueTimes()
  const { isSuspect, suspectAll } = createSuspicion()
  /** Connections in use by reads, the latest one last. */
  const reading = new Set<Loan>()
  let lingering: PgPoolClient[] = []
  let isLingering = false
  let closed = false
  /** Connections that the Pool gave. */
  let taken = 0
  /** Uses that wait for the Pool, of reads and of all others. */
  const waiting = { read: 0, any: 0 }
  /** Reads that go along with those that wait for the Pool. */
  const following = new Set<Follower>()

  function releaseLingering(): void {
    isLingering = false
    const released = lingering
    lingering = []
    for (const client of released) release(client)
  }

  function release(client: PgPoolClient): void {
    taken -= 1
    client.release()
  }

  function discard(client: PgPoolClient): void {
    taken -= 1
    destroyClient(client)
  }

  function giveBack(client: PgPoolClient): void {
    if (isShared || closed || waiting.read + waiting.any > 0) {
      release(client)
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
      discard(client)
    }
  }

  /** Finds a connection to go along on; none while the Pool has one to give. */
  function findReading(): Loan | undefined {
    if (pipelines === undefined || taken + waiting.read + waiting.any < pipelines) return undefined
    // Others wait for a connection of their own: all but the latest are left to come free.
    if (waiting.any > 0 && reading.size < 2) return undefined
    let best: Loan | undefined
    for (const loan of waiting.any > 0 ? [...reading].slice(-1) : reading) {
      if (loan.users >= (best?.users ?? MOST_SHARED) || isSuspect(loan.client)) continue
      best = loan
    }
    return best
  }

  /** Whether enough reads wait for the Pool already: one, so that reads have their turn, or all it has. */
  function isFollower(purpose: ConnectionPurpose): boolean {
    if (purpose !== 'read' || pipelines === undefined) return false
    return waiting.read >= Math.max(1, pipelines - taken)
  }

  function takeFollower(): Follower | undefined {
    const [next] = following
    if (next !== undefined) following.delete(next)
    return next
  }

  /** Makes the next one wait for the Pool, when nobody is left whom the others could go along with. */
  function wakeFollowers(): void {
    while (waiting.read === 0) {
      const next = takeFollower()
      if (next === undefined) return
      next.acquire()
    }
  }

  function takeAlong(loan: Loan): void {
    while (loan.users < MOST_SHARED && !loan.isBroken) {
      const next = takeFollower()
      if (next === undefined) return
      next.start(loan)
    }
  }

  function leave(loan: Loan, broken: boolean): void {
    loan.users -= 1
    if (broken && !loan.isBroken) {
      loan.isBroken = true
      reading.delete(loan)
      discard(loan.client)
    }
    if (loan.users > 0 || loan.isBroken) return
    reading.delete(loan)
    giveBack(loan.client)
  }

  return {
    suspectAll,
    close() {
      closed = true
      releaseLingering()
    },
    use(milliseconds, signal, user, purpose = 'any') {
      const started = performance.now()
      let loan: Loan | undefined
      let isOver = false
      const due = { at: started + Math.min(milliseconds, acquireMilliseconds), onDue }

      function giveUp(): void {
        isOver = true
        signal?.removeEventListener('abort', onAbort)
      }

      function end(broken: boolean): void {
        if (!isOver) giveUp()
        dueTimes.remove(due)
        following.delete(follower)
        const left = loan
        loan = undefined
        if (left !== undefined) leave(left, broken)
      }

      function fail(error: unknown): void {
        if (isOver) return
        end(true)
        user.onFailure(error)
      }

      function onAbort(): void {
        if (loan === undefined || loan.users === 1) {
          fail(signal?.reason)
          return
        }
        // Others read on this connection: it is left when the answer that nobody wants has come.
        giveUp()
        user.onFailure(signal?.reason)
      }

      function onDue(now: number): void {
        if (loan === undefined) {
          fail(acquireTimeout())
          return
        }
        due.at = started + milliseconds
        if (now < due.at) return
        suspectAll()
        if (isOver) end(true)
        else fail(statementTimeout())
      }

      function start(next: Loan): void {
        loan = next
        loan.users += 1
        user.onConnection(next.client, use)
      }

      function lend(client: PgPoolClient): void {
        const next = { client, users: 0, isBroken: false }
        if (purpose === 'read') reading.add(next)
        start(next)
        if (purpose === 'read') takeAlong(next)
      }

      function acquire(): void {
        const kept = takeLingering()
        if (kept !== undefined) {
          lend(kept)
          return
        }
        const shared = purpose === 'read' ? findReading() : undefined
        if (shared !== undefined) {
          start(shared)
          return
        }
        if (isFollower(purpose)) {
          following.add(follower)
          return
        }
        waiting[purpose] += 1
        pool.connect((error, next) => {
          waiting[purpose] -= 1
          if (next === undefined) fail(error)
          else {
            taken += 1
            if (isSuspect(next)) {
              discard(next)
              if (!isOver) acquire()
            } else if (isOver) {
              release(next)
            } else lend(next)
          }
          wakeFollowers()
        })
      }

      const use = { end }
      const follower = { start, acquire }
      dueTimes.add(due)
      signal?.addEventListener('abort', onAbort)
      if (waiting.read + waiting.any + following.size < MOST_WAITING) acquire()
      else
        queueMicrotask(() =>
          fail(databaseUnavailable('too many callers wait for the database', 'EAGAIN')),
        )
      return use
    },
  }
}
