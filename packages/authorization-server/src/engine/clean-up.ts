import type { CleanUpPeriods, Storage } from '../storage/storage.js'
import type { EventSink } from './events.js'

const INTERVAL = 3_600_000
/** Replicas that start together do not all begin at once. */
const SPREAD = 60_000

/** Options for {@link startCleanUp}. */
export interface CleanUpOptions extends CleanUpPeriods {
  readonly storage: Pick<Storage, 'cleanUp'>
  readonly events: Pick<EventSink, 'tell'>
}

/**
 * Removes what has expired, a minute or two after the start and then each hour. A failure is told and
 * left for the next time; nothing that has expired is ever used, only kept. That the role of the database
 * may not remove audit events is told once: it need not, where another one does.
 *
 * @returns a function that ends it.
 */
export function startCleanUp({
  storage,
  events,
  unusedClientDays,
  auditRetentionDays,
}: CleanUpOptions): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  let hasToldOfRetention = false
  const plan = (milliseconds: number): void => {
    if (ended) return
    timer = setTimeout(() => void run(), milliseconds)
    timer.unref()
  }
  async function run(): Promise<void> {
    try {
      const { auditEvents } = await storage.cleanUp({ unusedClientDays, auditRetentionDays })
      if (auditEvents === undefined && !hasToldOfRetention && !ended) {
        hasToldOfRetention = true
        events.tell({ event: 'clean-up', outcome: 'failed', reason: 'audit_retention' })
      }
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
