import { sha256 } from '../runtime.js'
import { credentialKeyId } from './credential-key.js'
import type { Credential, CredentialKey, Tombstone } from './token-store.js'

/** What one key holds. */
export interface MemoryRecord {
  readonly namespace: string
  readonly key: CredentialKey
  readonly content: Credential | Tombstone
}

/** Whoever is told about changes in one namespace. */
export interface MemoryWatcher {
  readonly namespace: string
  readonly onChange: (keyDigest: string | undefined) => void
}

/** The memory behind one or more stores. Opaque; made by {@link createMemoryStorage}. */
export interface MemoryStorage {
  readonly records: Map<string, MemoryRecord>
  readonly leases: Map<string, { readonly expiresAt: number }>
  readonly watchers: Set<MemoryWatcher>
}

/** Makes memory that several {@link memoryTokenStore} share, as replicas share a database. */
export function createMemoryStorage(): MemoryStorage {
  return { records: new Map(), leases: new Map(), watchers: new Set() }
}

/** Tells a tombstone from a credential. */
export function isTombstone(content: Credential | Tombstone | undefined): content is Tombstone {
  return content !== undefined && 'deletedAt' in content
}

/** Tells the watchers of a namespace that a key changed, except those of the store that changed it. */
export function notifyWatchers(
  watchers: ReadonlySet<MemoryWatcher>,
  namespace: string,
  key: CredentialKey,
  except: ReadonlySet<MemoryWatcher>,
): void {
  const others = [...watchers].filter((each) => each.namespace === namespace && !except.has(each))
  if (others.length === 0) return
  const tell = (digest: string) => {
    for (const { onChange } of others) {
      try {
        onChange(digest)
      } catch {
        // The write was made; whoever only watches must not make it look failed.
      }
    }
  }
  const digest = sha256(credentialKeyId(key))
  if (typeof digest === 'string') tell(digest)
  else void digest.then(tell)
}
