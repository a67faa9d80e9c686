import { emitWarning, sha256 } from '../runtime.js'
import { credentialKeyId } from './credential-key.js'
import type { CredentialKey } from './token-store.js'

/** One access to a stored credential. Never contains a secret or the subject of a user. */
export interface CredentialAuditEvent {
  readonly operation: 'read' | 'write' | 'delete'
  /** `absent`: nothing was stored. `failed`: the operation rejected with the code in `reason`. */
  readonly outcome: 'done' | 'absent' | 'failed'
  /** `ERR_…` code of a failed operation. */
  readonly reason?: string | undefined
  /** Name of the store, or `credentials` for an access on behalf of a caller. */
  readonly store: string
  readonly namespace?: string | undefined
  readonly provider: string
  readonly owner: 'service' | 'user'
  /** SHA-256 of {@link credentialKeyId}, base64url: the same for every access to one key. */
  readonly keyDigest: string
  /** Version read or written. */
  readonly version?: string | undefined
  /** The caller on whose behalf it happened; absent where the store cannot know. */
  readonly actor?:
    | {
        readonly issuer: string
        readonly subject: string
        readonly clientId?: string | undefined
      }
    | undefined
  /** Epoch milliseconds. */
  readonly at: number
}

/**
 * Receives every access to credentials. May be called very often: sampling is the sink's job.
 *
 * A sink that throws or rejects does not fail the access; the first failure is reported as a process
 * warning. A promise is not waited for.
 */
export interface AuditSink {
  /** Takes one access, without the secret. */
  record(event: CredentialAuditEvent): void | Promise<void>
}

/** What a store tells about one access; the rest is filled in. */
export type CredentialAuditDetails = Pick<
  CredentialAuditEvent,
  'operation' | 'outcome' | 'reason' | 'version' | 'actor'
>

/**
 * Binds an optional sink to one store, for authors of stores. The result never throws and resolves
 * when the event was handed over. `store` and `namespace` go into every event; `now` is in epoch
 * milliseconds.
 */
export function createCredentialAudit(
  sink: AuditSink | undefined,
  origin: { readonly store: string; readonly namespace?: string; readonly now?: () => number },
): (key: CredentialKey, details: CredentialAuditDetails) => Promise<void> {
  if (sink === undefined) return () => Promise.resolve()
  const { store, namespace, now = Date.now } = origin
  let warned = false

  function warn(): void {
    if (warned) return
    warned = true
    emitWarning(`the audit sink of ${JSON.stringify(store)} failed`, 'MCP_AUTH_AUDIT_FAILED')
  }

  return async (key, details) => {
    const at = now()
    const keyDigest = await sha256(credentialKeyId(key))
    try {
      const { provider, owner } = key
      const event = { ...details, store, namespace, provider, owner: owner.kind, keyDigest, at }
      Promise.resolve(sink.record(Object.freeze(event))).catch(warn)
    } catch {
      warn()
    }
  }
}
