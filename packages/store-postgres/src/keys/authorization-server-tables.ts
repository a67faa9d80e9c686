import { hash } from 'node:crypto'
import { StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import type { EnvelopeContext } from '@bestviable/mcp-auth-middleware/envelope'
import type { SqlRow } from '../database/database.js'
import type { SealedTable } from './sealed-tables.js'

/** Where a sealed record of the authorization server stands. */
export interface SealedRecordPlace {
  readonly table: 'oauth_clients' | 'oauth_tokens' | 'signing_keys'
  /** What it is, for example `RefreshToken`, `Client` or `SigningKey`. */
  readonly kind: string
  /** SHA-256 of its id. */
  readonly idDigest: Uint8Array
  /** New with every write. */
  readonly version: string
}

/** What a sealed record of the authorization server is bound to. */
export function sealedRecordContext(place: SealedRecordPlace): EnvelopeContext {
  const { table, kind, idDigest, version } = place
  return [table, kind, Buffer.from(idDigest).toString('base64url'), version]
}

/** SHA-256 of an id, as it stands in the database and in associated data. */
export function digestId(id: string): Uint8Array {
  return hash('sha256', id, 'buffer')
}

function checkJsonObject(plaintext: Uint8Array): void {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext))
  } catch {
    value = undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StoreIntegrityError('the opened record is not a JSON object')
  }
}

function tokenDigest({ token_id: digest }: SqlRow): Uint8Array {
  return digest instanceof Uint8Array ? digest : new Uint8Array(0)
}

const shared = {
  version: { name: 'version', type: 'uuid' },
  contextColumns: [],
  hasNamespace: false,
  checkPlaintext: checkJsonObject,
} as const

function namedTable(
  name: 'oauth_clients' | 'signing_keys',
  kind: string,
  idColumn: string,
): SealedTable {
  const digest = (row: SqlRow) => digestId(String(row[idColumn]))
  return {
    ...shared,
    name,
    primaryKey: [{ name: idColumn, type: 'text' }],
    context: (row) =>
      sealedRecordContext({
        table: name,
        kind,
        idDigest: digest(row),
        version: String(row.version),
      }),
    digest: (row) => Buffer.from(digest(row)).toString('base64url'),
  }
}

/** The sealed tables of the authorization server. */
export const authorizationServerTables: readonly SealedTable[] = [
  namedTable('oauth_clients', 'Client', 'client_id'),
  {
    ...shared,
    name: 'oauth_tokens',
    primaryKey: [
      { name: 'token_type', type: 'text' },
      { name: 'token_id', type: 'bytea' },
    ],
    context: (row) =>
      sealedRecordContext({
        table: 'oauth_tokens',
        kind: String(row.token_type),
        idDigest: tokenDigest(row),
        version: String(row.version),
      }),
    digest: (row) => Buffer.from(tokenDigest(row)).toString('base64url'),
  },
  namedTable('signing_keys', 'SigningKey', 'kid'),
]
