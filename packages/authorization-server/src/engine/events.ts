import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditInput, Storage } from '../storage/storage.js'

/** Something that happened in the authorization server. Never holds a credential. */
export interface AuthorizationServerEvent extends AuditInput {
  /** Epoch milliseconds. */
  readonly time: number
}

/** Writes events to the audit trail and tells the listener of the application. */
export interface EventSink {
  /** In the transaction, if there is one; the listener is told after its commit, and not of a rollback. */
  record(event: AuditInput): Promise<void>
  /** Tells the listener only, for what is no change. */
  tell(event: AuditInput): void
}

/** The one way by which events leave the engine, and the storage whose transactions it waits for. */
export interface ObservedEvents {
  readonly events: EventSink
  readonly storage: Storage
}

/** Events of one attempt at a transaction, which may be made again. */
interface Attempt {
  readonly events: AuditInput[]
  isOpen: boolean
}

/** Creates the way by which events leave the engine. */
export function createEventSink(options: {
  readonly storage: Storage
  readonly onEvent: ((event: AuthorizationServerEvent) => unknown) | undefined
  readonly now: () => number
}): ObservedEvents {
  const { storage, onEvent, now } = options
  const attempts = new AsyncLocalStorage<Attempt>()
  const tell = (event: AuditInput): void => {
    try {
      const result = onEvent?.({ ...event, time: now() })
      if (result instanceof Promise) result.catch(() => undefined)
    } catch {
      // Watching a request must not be able to break it.
    }
  }
  const events: EventSink = {
    tell,
    async record(event) {
      await storage.audit(event)
      const attempt = attempts.getStore()
      if (attempt?.isOpen === true) attempt.events.push(event)
      else tell(event)
    },
  }
  const transaction: Storage['transaction'] = async (run) => {
    if (attempts.getStore()?.isOpen === true) return storage.transaction(run)
    let attempt: Attempt = { events: [], isOpen: true }
    try {
      const value = await storage.transaction(() => {
        attempt.isOpen = false
        attempt = { events: [], isOpen: true }
        return attempts.run(attempt, run)
      })
      for (const event of attempt.events) tell(event)
      return value
    } finally {
      attempt.isOpen = false
    }
  }
  return { events, storage: { ...storage, transaction } }
}
