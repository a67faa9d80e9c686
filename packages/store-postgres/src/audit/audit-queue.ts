import type { Queryable } from '../database/database.js'
import { type AuditEntry, insertAuditEntries } from './audit-entry.js'

const FLUSH_MILLISECONDS = 250
const RETRY_MILLISECONDS = 1000
const BATCH = 100
const CAPACITY = 10_000

/** Writes audit events in the background, many in one statement. */
export interface AuditQueue {
  /** Takes an event at once. When 10,000 are waiting, the oldest one is dropped. */
  add(entry: AuditEntry): void
  /** Writes what is waiting; what cannot be written then is dropped. Idempotent, never rejects. */
  close(): Promise<void>
}

/**
 * Creates a queue that is flushed every 250 ms, or as soon as 100 events wait. While the database does
 * not answer, events are kept and tried again every second; a batch whose answer was lost may be
 * written twice. Lost events are reported as one process warning.
 */
export function createAuditQueue(database: Queryable): AuditQueue {
  let waiting: AuditEntry[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let flight: Promise<boolean> | undefined
  let closed: Promise<void> | undefined
  let warned = false

  function warnOfLoss(): void {
    if (warned) return
    warned = true
    process.emitWarning('audit events were dropped because the database does not take them', {
      type: 'McpAuthWarning',
      code: 'MCP_AUTH_AUDIT_DROPPED',
    })
  }

  function keepWithinCapacity(): void {
    if (waiting.length <= CAPACITY) return
    waiting = waiting.slice(-CAPACITY)
    warnOfLoss()
  }

  /** Writes one batch; resolves with whether that worked. */
  async function write(): Promise<boolean> {
    const batch = waiting.splice(0, BATCH)
    try {
      await insertAuditEntries(database, batch)
      return true
    } catch {
      waiting = [...batch, ...waiting]
      keepWithinCapacity()
      return false
    }
  }

  function flush(): Promise<boolean> {
    flight ??= write().finally(() => {
      flight = undefined
    })
    return flight
  }

  function schedule(milliseconds: number): void {
    timer ??= setTimeout(() => {
      timer = undefined
      void run()
    }, milliseconds)
    // An event that waits does not keep a process alive that has nothing else to do.
    timer.unref()
  }

  async function run(): Promise<void> {
    const written = await flush()
    if (closed !== undefined || waiting.length === 0) return
    if (written && waiting.length >= BATCH) return run()
    schedule(written ? FLUSH_MILLISECONDS : RETRY_MILLISECONDS)
  }

  async function drain(): Promise<void> {
    clearTimeout(timer)
    await flight
    while (waiting.length > 0) {
      if (await flush()) continue
      waiting = []
      warnOfLoss()
    }
  }

  return {
    add(entry) {
      if (closed !== undefined) return
      waiting.push(entry)
      keepWithinCapacity()
      // A full batch is written in the same turn, unless the last attempt failed and a retry is due.
      if (waiting.length === BATCH && flight === undefined) {
        clearTimeout(timer)
        timer = undefined
        void run()
      } else if (flight === undefined) schedule(FLUSH_MILLISECONDS)
    },
    close() {
      closed ??= drain()
      return closed
    },
  }
}
