import type { AuditEntry, Database } from '@bestviable/mcp-auth-store-postgres'
import type { Caller } from '../request-log.js'

/** One finished tool call. Never its arguments or its result. */
export interface ToolCall {
  readonly tool: string
  /** `ok`, or the code of the failure. */
  readonly outcome: string
  readonly durationMs: number
  readonly requestId?: string | undefined
  readonly caller?: Caller | undefined
}

/** Options for {@link createToolAudit}. */
export interface ToolAuditOptions {
  readonly database: Database
  readonly namespace: string
  /** Whether old entries are removed here. An embedded authorization server removes them itself. */
  readonly prunes: boolean
  /** Told how many entries were written or dropped. */
  readonly onSettled: (outcome: 'written' | 'dropped', entries: number) => void
  /** Told of the first loss or failure, and again of the first after that kind of thing has worked. */
  readonly onTrouble: (problem: string) => void
  /** Most entries that wait. Default 10,000. */
  readonly capacity?: number | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** Writes tool calls to the table `audit_events`, in the background. */
export interface ToolAudit {
  /** Takes a call at once. When too many wait, the oldest one is dropped. */
  add(call: ToolCall): void
  /** Entries that wait. */
  readonly waiting: number
  /** Writes what waits, within 5 seconds; the rest is dropped. Idempotent, never rejects. */
  close(): Promise<void>
}

const closeMilliseconds = 5000
const pruneMilliseconds = 3_600_000

function entryOf(call: ToolCall, namespace: string, at: number): AuditEntry {
  const { tool, outcome, durationMs, requestId, caller } = call
  const isDone = outcome === 'ok'
  return {
    event: 'tool.call',
    outcome: isDone ? 'done' : 'failed',
    reason: isDone ? undefined : outcome,
    store: 'coda-mcp',
    namespace,
    provider: 'coda',
    actor: caller && {
      issuer: caller.issuer,
      subject: caller.subject,
      clientId: caller.clientId,
    },
    details: { tool, durationMs, ...(requestId === undefined ? {} : { requestId }) },
    at,
  }
}

/**
 * Creates the audit of tool calls. A call never waits for it: entries are written every quarter of a second,
 * or 100 at once, and kept while the database does not answer; of more than `capacity` the oldest are dropped.
 * A batch whose answer was lost may be written twice.
 */
export async function createToolAudit(options: ToolAuditOptions): Promise<ToolAudit> {
  // Loaded here: a server without a database needs none of it.
  const { createAuditQueue, createAuditTrail } = await import('@bestviable/mcp-auth-store-postgres')
  const { database, namespace, prunes, onSettled, onTrouble, capacity } = options
  const { now = Date.now } = options
  let isLosing = false

  const queue = createAuditQueue(database, {
    capacity,
    closeMilliseconds,
    onWritten(entries) {
      onSettled('written', entries)
      isLosing = false
    },
    onDropped(entries) {
      onSettled('dropped', entries)
      if (isLosing) return
      isLosing = true
      onTrouble('tool calls are missing in the audit trail: the database does not take them')
    },
  })

  let cannotPrune = false
  async function prune(): Promise<void> {
    try {
      await createAuditTrail(database, { namespace, now }).prune()
      cannotPrune = false
    } catch {
      if (!cannotPrune) onTrouble('old entries of the audit trail could not be removed')
      cannotPrune = true
    }
  }
  const pruning = prunes ? setInterval(() => void prune(), pruneMilliseconds).unref() : undefined

  return {
    add: (call) => queue.add(entryOf(call, namespace, now())),
    get waiting() {
      return queue.waiting
    },
    close() {
      clearInterval(pruning)
      return queue.close()
    },
  }
}
