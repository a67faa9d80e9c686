import {
  type CredentialKey,
  StoreIntegrityError,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import {
  credentialContext,
  type EnvelopeContext,
  parseCredential,
} from '@bestviable/mcp-auth-middleware/envelope'
import { digestKey } from '../credentials/key-digest.js'
import type { SqlRow } from '../database/database.js'
import { authorizationServerTables } from './authorization-server-tables.js'

/** A column that takes part in finding one row. */
export interface SealedColumn {
  readonly name: string
  readonly type: 'text' | 'bytea' | 'uuid'
}

/**
 * A table with the columns `key_id`, `wrapped_key` and `payload`, whose rows can be rewrapped and
 * verified. Adding a table to {@link sealedTables} is all that rotation, status and `db verify` need.
 */
export interface SealedTable {
  /** Name without the schema, at most 20 characters. */
  readonly name: string
  /** The primary key; rows are visited in its order. */
  readonly primaryKey: readonly SealedColumn[]
  /** Changes with every write, so that a row which was written meanwhile is left alone. */
  readonly version: SealedColumn
  /** Further columns that `context` reads. */
  readonly contextColumns: readonly string[]
  /** Whether the table has a column `namespace`. */
  readonly hasNamespace: boolean
  /**
   * What the row was sealed under.
   *
   * @throws {@link StoreIntegrityError} when the open columns do not belong together.
   */
  context(row: SqlRow): EnvelopeContext
  /**
   * Checks an opened payload.
   *
   * @throws {@link StoreIntegrityError} when it is not what the table holds.
   */
  checkPlaintext(plaintext: Uint8Array): void
  /** Names the row in reports, without anything secret or personal. */
  digest(row: SqlRow): string
}

function readCredentialKey(row: SqlRow): CredentialKey {
  const { provider, owner_kind: kind, owner_issuer: issuer, owner_subject: subject } = row
  try {
    const owner = kind === 'user' ? { kind, issuer, subject } : { kind }
    // The columns come from a database that others may write to: the check decides what they are.
    return validateCredentialKey({ provider, owner } as CredentialKey)
  } catch {
    throw new StoreIntegrityError('the owner of the record is not one that can be stored')
  }
}

function digestText(bytes: unknown): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('base64url') : ''
}

const credentials: SealedTable = {
  name: 'credentials',
  primaryKey: [
    { name: 'namespace', type: 'text' },
    { name: 'key_digest', type: 'bytea' },
  ],
  version: { name: 'version', type: 'uuid' },
  contextColumns: ['provider', 'owner_kind', 'owner_issuer', 'owner_subject'],
  hasNamespace: true,
  context(row) {
    const key = readCredentialKey(row)
    // A store finds a row by its digest: a row copied under the digest of another key would open here,
    // and there not.
    if (digestKey(key) !== digestText(row.key_digest)) {
      throw new StoreIntegrityError('the record is filed under the digest of another key')
    }
    const { namespace, version } = row
    return credentialContext({
      store: 'postgres',
      namespace: String(namespace),
      key,
      version: String(version),
    })
  },
  checkPlaintext(plaintext) {
    parseCredential(plaintext)
  },
  digest: (row) => digestText(row.key_digest),
}

/** Every table with sealed rows. */
export const sealedTables: readonly SealedTable[] = [credentials, ...authorizationServerTables]

/** The sealed tables that hold records of a namespace; all of them where none is given. */
export function sealedTablesOf(namespace: string | undefined): readonly SealedTable[] {
  return sealedTables.filter(({ hasNamespace }) => namespace === undefined || hasNamespace)
}
