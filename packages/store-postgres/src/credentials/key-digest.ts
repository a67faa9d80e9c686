import { hash } from 'node:crypto'
import {
  type CredentialKey,
  credentialKeyId,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'

/**
 * SHA-256 of a key as base64url, as `watch` and audit events name it. Its bytes are the key of the row:
 * 32 bytes whatever the length of the subject.
 */
export function digestKey(key: CredentialKey): string {
  // One call that answers with text costs a third of one that answers with a Buffer.
  return hash('sha256', credentialKeyId(key), 'base64url')
}

/** The bytes of a digest, as the database holds them. */
export function digestBytes(keyDigest: string): Buffer {
  return Buffer.from(keyDigest, 'base64url')
}

/** A key that was validated, with its digest in both forms. */
export interface DigestedKey {
  readonly key: CredentialKey
  readonly text: string
  readonly bytes: Uint8Array
}

const CAPACITY = 5_000

/** Whether the id of a key tells it from every key of another shape. */
function isShaped(key: CredentialKey): boolean {
  if (typeof key?.provider !== 'string') return false
  const { owner } = key
  if (owner?.kind === 'service') return true
  return (
    owner?.kind === 'user' && typeof owner.issuer === 'string' && typeof owner.subject === 'string'
  )
}

/**
 * Creates what validates keys and gives their digests, and remembers the last 5,000, since the same
 * credentials are read again and again. Of more, the one goes first that came first.
 *
 * It throws the {@link StoreInvalidError} of `validateCredentialKey`.
 */
export function createKeyDigests(): (rawKey: CredentialKey) => DigestedKey {
  const known = new Map<string, DigestedKey>()

  function find(rawKey: CredentialKey): DigestedKey | undefined {
    return isShaped(rawKey) ? known.get(credentialKeyId(rawKey)) : undefined
  }

  return (rawKey) => {
    const held = find(rawKey)
    if (held !== undefined) return held
    const key = validateCredentialKey(rawKey)
    const text = digestKey(key)
    const digested = { key, text, bytes: digestBytes(text) }
    if (known.size >= CAPACITY) {
      for (const oldest of known.keys()) {
        known.delete(oldest)
        break
      }
    }
    known.set(credentialKeyId(key), digested)
    return digested
  }
}
