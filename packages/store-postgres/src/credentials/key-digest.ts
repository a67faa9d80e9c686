import { hash } from 'node:crypto'
import { type CredentialKey, credentialKeyId } from '@bestviable/mcp-auth-middleware'

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
