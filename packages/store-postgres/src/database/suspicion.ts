import type { PgPoolClient } from './pg-pool.js'

/** Knows which connections may lead nowhere. */
export interface Suspicion {
  /** Whether a connection that was taken out of the Pool may be dead. Watches it from then on. */
  isSuspect(client: PgPoolClient): boolean
  /** Says that a connection was found dead, so that all others of its time are suspect too. */
  suspectAll(): void
}

// A timeout condemns the connections of its time at most this often, so that slow statements alone
// do not make every statement open a connection.
const SUSPECT_MILLISECONDS = 1_000

/**
 * Creates a {@link Suspicion}.
 *
 * A statement that times out, or whose connection turns out to be dead, says that the idle connections
 * beside it may lead nowhere too: after a network that dropped packets nobody told them. They are
 * replaced when their turn comes, not after a timeout each.
 */
export function createSuspicion(): Suspicion {
  const generations = new WeakMap<PgPoolClient, number>()
  const dead = new WeakSet<PgPoolClient>()
  let generation = 0
  let suspectedAt = Number.NEGATIVE_INFINITY

  return {
    isSuspect(client) {
      const known = generations.get(client)
      if (known !== undefined) return known < generation || dead.has(client)
      // While a client is checked out, nobody else listens; an error without a listener ends the process.
      client.on('error', () => dead.add(client))
      generations.set(client, generation)
      return false
    },
    suspectAll() {
      const now = performance.now()
      if (now - suspectedAt < SUSPECT_MILLISECONDS) return
      suspectedAt = now
      generation += 1
    },
  }
}
