import type { Secrets } from './secrets.js'

const PURPOSE = 'shadow record'

/**
 * Id of the record that stands for a JWT. The engine takes such an id as an opaque token, so it is
 * not the `jti` itself, which is in logs and is no credential.
 */
export function shadowId(secrets: Secrets, jti: string): string {
  return secrets.sign(PURPOSE, jti)
}

/** The same under every key of the ring, for tokens that were issued before the current key. */
export function shadowIds(secrets: Secrets, jti: string): readonly string[] {
  return secrets.signAll(PURPOSE, jti)
}
