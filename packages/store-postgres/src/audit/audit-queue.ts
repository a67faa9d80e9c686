import type { Queryable } from '../database/database.js'
import { type AuditEntry, insertAuditEntries } from './audit-entry.js'

const FLUSH_MILLISECONDS = 250
const RETRY_MILLISECONDS = 1000
const BATCH = 100
const CAPACITY = 10_000

/** How a queue is bounded, and who is told what becomes of its events. */
export interface AuditQueueOptions {
  /** Most events that wait. Default 10,000. */
  readonly capacity?: number | undefined
  /** Longest time in milliseconds that `close` goes on writing. Default: as long as that works. */
  readonly closeMilliseconds?: number | undefined
  /** Called with the number of events that one statement has written. */
  readonly onWritten?: ((events: number) => void) | undefined
  /** Default: one process warning. */
  readonly onDropped?: ((events: number) => void) | undefined
}

/** Writes audit events in the background, many in one statement. */
export interface AuditQueue {
  /** Takes an event at once. When too many wait, the oldest one is dropped; after `close` this one. */
  add(entry: AuditEntry): void
  /** Events that wait. */
  readonly waiting: number
  /** Writes what is waiting; what cannot be written then is dropped. Idempotent, never rejects. */
  close(): Promise<void>
}

/**
 * Creates a queue that is flushed every 250 ms, or as soon as 100 events wait. While the database does
 * not answer, events are kept and tried again every second; a batch whose answer was lost may be
 * written twice.
 */
export function createAuditQueue(database: Queryable, options: AuditQueueOptions = {}): AuditQueue {
  const { capacity = CAPACITY, closeMilliseconds = Number.POSITIVE_INFINITY, onWritten } = options
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

  const onDropped = options.onDropped ?? warnOfLoss

  function drop(events: number): void {
    if (events > 0) onDropped(events)
  }

  function keepWithinCapacity(): void {
    drop(waiting.splice(0, Math.max(0, waiting.length - capacity)).length)
  }

  /** Writes one batch; resolves with whether that worked. */
  async function write(): Promise<boolean> {
    const batch = waiting.splice(0, BATCH)
    try {
      await insertAuditEntries(database, batch)
      onWritten?.(batch.length)
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
    const until = performance.now() + closeMilliseconds
    await flight
    while (waiting.length > 0 && performance.now() < until) {
      if (!(await flush())) break
    }
    drop(waiting.splice(0).length)
  }

  return {
    add(entry) {
      if (closed !== undefined) {
        options.onDropped?.(1)
        return
      }
      waiting.push(entry)
      keepWithinCapacity()
      // A full batch is written in the same turn, unless the last attempt failed and a retry is due.
      if (waiting.length === BATCH && flight === undefined) {
        clearTimeout(timer)
        timer = undefined
        void run()
      } else if (flight === undefined) schedule(FLUSH_MILLISECONDS)
    },
    get waiting() {
      return waiting.length
    },
    close() {
      closed ??= drain()
      return closed
    },
  }
}
