import { StoreUnavailableError } from '../errors.js'

/** A record under a key that is not configured here is out of reach, not damaged. */
export function unknownKeyError(keyId: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `the record is encrypted under the key ${keyId}, which is not configured here; add that key to MCP_AUTH_ENCRYPTION_KEYS`,
  )
}
