import type { Storage } from '../storage/storage.js'
import type { EventSink } from './events.js'

const INTERVAL = 3_600_000
/** Replicas that start together do not all begin at once. */
const SPREAD = 60_000

/** Options for {@link startCleanUp}. */
export interface CleanUpOptions {
  readonly storage: Pick<Storage, 'cleanUp'>
  readonly events: Pick<EventSink, 'tell'>
  /** After how many days without use a dynamic client that holds nothing goes. */
  readonly unusedClientDays: number
}

/**
 * Removes what has expired, a minute or two after the start and then each hour. A failure is told and
 * left for the next time; nothing that has expired is ever used, only kept.
 *
 * @returns a function that ends it.
 */
export function startCleanUp({ storage, events, unusedClientDays }: CleanUpOptions): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  const plan = (milliseconds: number): void => {
    if (ended) return
    timer = setTimeout(() => void run(), milliseconds)
    timer.unref()
  }
  async function run(): Promise<void> {
    try {
      await storage.cleanUp({ unusedClientDays })
    } catch {
      if (!ended) events.tell({ event: 'clean-up', outcome: 'failed', reason: 'storage' })
    }
    plan(INTERVAL)
  }
  plan(SPREAD + Math.random() * SPREAD)
  return () => {
    ended = true
    clearTimeout(timer)
  }
}
