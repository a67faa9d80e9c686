import { type CredentialKey, StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import type { Envelope } from '@bestviable/mcp-auth-middleware/envelope'
import type { SqlRow, Statement } from '../database/database.js'

const VERSION_CHARACTERS = 36
const KEY_ID_DIGITS = 16

/** Reads one row by its primary key: `$1` namespace, `$2` key digest. */
export const readRow: Statement = Object.freeze({
  name: 'mcp_auth_credential_read',
  // Two columns in place of ten, each of which costs the driver as much as these two. `concat_ws` leaves
  // out what is NULL; a line end is in no part, so that two identities never give the same text.
  text: `SELECT concat_ws(E'\n', version, date_part('epoch', updated_at),
      num_nonnulls(key_id, wrapped_key, payload), encode(key_id, 'hex'), octet_length(wrapped_key),
      provider, owner_kind, owner_issuer, owner_subject) AS head, wrapped_key || payload AS sealed
    FROM {schema}.credentials WHERE namespace = $1 AND key_digest = $2`,
})

/** What a row holds. */
export interface CredentialRow {
  readonly version: string
  /** Epoch seconds. */
  readonly updatedAt: number
  /** Absent in a tombstone. */
  readonly envelope: Envelope | undefined
}

function damaged(what: string): StoreIntegrityError {
  return new StoreIntegrityError(`the stored credential is damaged: ${what}`)
}

/** The end of `head`. */
function formatIdentity({ provider, owner }: CredentialKey): string {
  return owner.kind === 'service'
    ? `\n${provider}\nservice`
    : `\n${provider}\nuser\n${owner.issuer}\n${owner.subject}`
}

/**
 * Parses a row that was read for a key.
 *
 * @throws {@link StoreIntegrityError} when it belongs to another key, or is neither a credential nor a
 *   tombstone. What is sealed is not opened here.
 */
export function parseCredentialRow({ head, sealed }: SqlRow, key: CredentialKey): CredentialRow {
  const identity = formatIdentity(key)
  if (typeof head !== 'string' || !head.endsWith(identity)) throw damaged('it is of another key')
  const parts = head.slice(0, -identity.length).split('\n')
  const [version = '', time, present, keyId = '', wrappedLength] = parts
  const updatedAt = Math.floor(Number(time))
  if (version.length !== VERSION_CHARACTERS || !Number.isFinite(updatedAt)) {
    throw damaged('its version or time is missing')
  }
  if (present === '0' && parts.length === 3) return { version, updatedAt, envelope: undefined }
  if (present !== '3' || parts.length !== 5 || !(sealed instanceof Uint8Array)) {
    throw damaged('its key id, wrapped key or payload is missing')
  }
  if (keyId.length !== KEY_ID_DIGITS) throw damaged('its key id is cut')
  const payloadStart = Number(wrappedLength)
  const wrappedKey = { keyId, bytes: sealed.subarray(0, payloadStart) }
  return { version, updatedAt, envelope: { wrappedKey, payload: sealed.subarray(payloadStart) } }
}
