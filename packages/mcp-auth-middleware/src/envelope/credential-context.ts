import type { CredentialKey } from '../token-store/token-store.js'
import type { EnvelopeContext } from './envelope.js'

/** What {@link credentialContext} is made of. */
export interface CredentialPlace {
  /** Name of the kind of store, for example `postgres`. */
  readonly store: string
  readonly namespace: string
  readonly key: CredentialKey
  /** Version of the write, exactly as the store keeps it. */
  readonly version: string
}

/** The context under which a credential is sealed: where it is stored, whose it is, which write. */
export function credentialContext({
  store,
  namespace,
  key: { provider, owner },
  version,
}: CredentialPlace): EnvelopeContext {
  const [issuer, subject] = owner.kind === 'user' ? [owner.issuer, owner.subject] : ['', '']
  return ['credential', store, namespace, provider, owner.kind, issuer, subject, version]
}
