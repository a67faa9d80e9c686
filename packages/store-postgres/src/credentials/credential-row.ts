import { type CredentialKey, StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import type { Envelope } from '@bestviable/mcp-auth-middleware/envelope'
import type { SqlRow, Statement } from '../database/database.js'

const VERSION_CHARACTERS = 36
const KEY_ID_DIGITS = 16

/** Reads one row by its primary key: `$1` namespace, `$2` key digest. */
export const readRow: Statement = Object.freeze({
  name: 'mcp_auth_credential_read',
  // One column in place of nine, each of which costs the driver as much as this one. `concat_ws` leaves
  // out what is NULL; a line end is in no part, so that two identities never give the same text.
  text: `SELECT concat_ws(E'\n', provider, owner_kind, owner_issuer, owner_subject, version,
      date_part('epoch', updated_at), encode(key_id, 'hex'), encode(wrapped_key, 'hex'),
      encode(payload, 'hex')) AS record
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

/** The begin of `record`. */
function formatIdentity({ provider, owner }: CredentialKey): string {
  return owner.kind === 'service'
    ? `${provider}\nservice\n`
    : `${provider}\nuser\n${owner.issuer}\n${owner.subject}\n`
}

function endOfPart(record: string, start: number): number {
  const end = record.indexOf('\n', start)
  return end === -1 ? record.length : end
}

/**
 * Parses a row that was read for a key.
 *
 * @throws {@link StoreIntegrityError} when it belongs to another key, or is neither a credential nor a
 *   tombstone. What is sealed is not opened here.
 */
export function parseCredentialRow({ record }: SqlRow, key: CredentialKey): CredentialRow {
  const identity = formatIdentity(key)
  if (typeof record !== 'string' || !record.startsWith(identity)) {
    throw damaged('it is of another key')
  }
  const versionEnd = identity.length + VERSION_CHARACTERS
  const version = record.slice(identity.length, versionEnd)
  const timeEnd = endOfPart(record, versionEnd + 1)
  const updatedAt = Math.floor(Number(record.slice(versionEnd + 1, timeEnd)))
  if (record[versionEnd] !== '\n' || !Number.isFinite(updatedAt)) {
    throw damaged('its version or time is missing')
  }
  if (timeEnd === record.length) return { version, updatedAt, envelope: undefined }
  const keyIdEnd = endOfPart(record, timeEnd + 1)
  const wrappedKeyEnd = endOfPart(record, keyIdEnd + 1)
  if (wrappedKeyEnd >= record.length) {
    throw damaged('its key id, wrapped key or payload is missing')
  }
  const keyId = record.slice(timeEnd + 1, keyIdEnd)
  if (keyId.length !== KEY_ID_DIGITS) throw damaged('its key id is cut')
  const bytes = Buffer.from(record.slice(keyIdEnd + 1, wrappedKeyEnd), 'hex')
  const payload = Buffer.from(record.slice(wrappedKeyEnd + 1), 'hex')
  return { version, updatedAt, envelope: { wrappedKey: { keyId, bytes }, payload } }
}
