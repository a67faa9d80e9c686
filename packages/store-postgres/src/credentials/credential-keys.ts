import {
  type CredentialKey,
  type CredentialKeyFilter,
  type CredentialOwner,
  isAuthError,
  isCredentialName,
  StoreIntegrityError,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import type { SqlRow, Statement } from '../database/database.js'
import type { CredentialTable } from './credential-table.js'
import { digestKey } from './key-digest.js'

const PAGE = 500

function selectPage(wanted: 'credentials' | 'tombstones'): Statement {
  const isTombstone = 'key_id IS NULL AND wrapped_key IS NULL AND payload IS NULL'
  return Object.freeze({
    name: `mcp_auth_credential_${wanted}_page`,
    // A damaged row is something that is stored: whoever copies credentials must not pass it by.
    text: `SELECT key_digest, provider, owner_kind, owner_issuer, owner_subject
      FROM {schema}.credentials
      WHERE namespace = $1 AND key_digest > $2 AND ($3::text IS NULL OR provider = $3::text)
        AND ${wanted === 'tombstones' ? isTombstone : `NOT (${isTombstone})`}
      ORDER BY key_digest LIMIT ${PAGE}`,
  })
}

const PAGES = { credentials: selectPage('credentials'), tombstones: selectPage('tombstones') }

function ownerOf({ owner_kind: kind, owner_issuer: issuer, owner_subject: subject }: SqlRow) {
  return kind === 'user' ? { kind, issuer, subject } : { kind }
}

/** The key of a row; `undefined` when its columns do not give the digest under which it is stored. */
function keyOf(row: SqlRow, digest: Uint8Array): CredentialKey | undefined {
  try {
    const provider = String(row.provider)
    // Checked by the call around it.
    const key = validateCredentialKey({ provider, owner: ownerOf(row) as CredentialOwner })
    return digestKey(key) === Buffer.from(digest).toString('base64url') ? key : undefined
  } catch (error) {
    if (isAuthError(error)) return undefined
    throw error
  }
}

/**
 * Lists keys page by page along the primary key: memory stays bounded, and a key that is stored from
 * the first page to the last is listed exactly once, whatever is written meanwhile.
 *
 * @throws {@link StoreIntegrityError} after the last key, when there were rows whose key is damaged.
 */
export async function* listKeys(
  { database, namespace }: CredentialTable,
  wanted: 'credentials' | 'tombstones',
  { provider }: CredentialKeyFilter = {},
  requireOpen: () => void,
): AsyncGenerator<CredentialKey, void, undefined> {
  if (provider !== undefined && !isCredentialName(provider)) return
  let after: Uint8Array = new Uint8Array(0)
  let damaged = 0
  for (;;) {
    requireOpen()
    const rows = await database.query(PAGES[wanted], [namespace, after, provider ?? null])
    for (const row of rows) {
      const { key_digest: digest } = row
      if (!(digest instanceof Uint8Array)) throw new StoreIntegrityError('a key digest is missing')
      after = digest
      const key = keyOf(row, digest)
      if (key === undefined) damaged++
      else yield key
    }
    if (rows.length < PAGE) break
  }
  if (damaged > 0) {
    throw new StoreIntegrityError(`the keys of ${damaged} stored credentials are damaged`)
  }
}
