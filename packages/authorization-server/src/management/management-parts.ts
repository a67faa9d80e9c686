import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import type { RegistrationResult } from '../clients/client-policy.js'
import { revocationEnd } from '../engine/revocation-end.js'
import type { KeyRotation } from '../engine/rotate-signing-keys.js'
import type { AuditInput, Storage } from '../storage/storage.js'
import type { AdminActor, ChangeOptions } from './management.js'

/** What the management works with; the same in a server and on a command line. */
export interface ManagementParts {
  readonly storage: Storage
  /** Where the upstream credentials of users are. */
  readonly credentials: TokenStore | undefined
  /** Issuer under which those are filed. `undefined`: whatever issuer; user ids are unique. */
  readonly issuer: string | undefined
  readonly keyPolicy: KeyRotation['policy']
  /** Checks a body of RFC 7591. */
  readonly parseRegistration: (body: unknown) => RegistrationResult
  /** Tells whether a resource has a scope. `undefined`: the resources are not known here. */
  readonly isScope: ((scope: string) => boolean) | undefined
  /** Writes to the audit trail, in the transaction if there is one. */
  readonly record: (event: AuditInput) => Promise<void>
  /** Tells the listener of the application of what the storage has recorded by itself. */
  readonly tell: (event: AuditInput) => void
  /** Makes this process see what was revoked at once; other replicas follow within a second. */
  readonly afterChange: () => Promise<void>
  readonly afterKeyChange: () => Promise<void>
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Who makes a change when nobody is named. */
const UNNAMED: AdminActor = { issuer: 'application', subject: 'application' }

/** The actor of a change, for the audit trail. */
export function actorOf({ actor = UNNAMED }: ChangeOptions = {}): AdminActor {
  const { issuer, subject } = actor
  return { issuer, subject }
}

/** When what is revoked now has outlived every token, in epoch seconds. */
export function endOfTokens({ now, keyPolicy }: ManagementParts): number {
  return revocationEnd(now(), keyPolicy.longestTokenLife)
}
