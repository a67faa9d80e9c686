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

/** Creates the way by which events leave the engine. */
export function createEventSink(options: {
  readonly storage: Pick<Storage, 'audit' | 'afterCommit'>
  readonly onEvent: ((event: AuthorizationServerEvent) => unknown) | undefined
  readonly now: () => number
}): EventSink {
  const { storage, onEvent, now } = options
  const tell = (event: AuditInput): void => {
    try {
      const result = onEvent?.({ ...event, time: now() })
      if (result instanceof Promise) result.catch(() => undefined)
    } catch {
      // Watching a request must not be able to break it.
    }
  }
  return {
    tell,
    async record(event) {
      await storage.audit(event)
      storage.afterCommit(() => tell(event))
    },
  }
}
