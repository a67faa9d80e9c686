import { type CredentialKey, createVersion } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  credentialContext,
  type EnvelopeCodec,
  formatCredential,
  generateEncryptionKey,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import { digestBytes, digestKey } from '../../src/credentials/key-digest.js'
import type { Database, SqlRow, SqlValue } from '../../src/database/database.js'

/** A key-encryption key of a test. */
export interface TestKey {
  readonly text: string
  readonly id: string
}

export function codecOf(...keys: readonly { readonly text: string }[]): EnvelopeCodec {
  const text = keys.map((key) => key.text).join(',')
  return createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: text }) })
}

export function createTestKey(): TestKey {
  const text = generateEncryptionKey()
  return { text, id: codecOf({ text }).currentKeyId }
}

export function userKey(subject: string): CredentialKey {
  return { provider: 'coda', owner: { kind: 'user', issuer: 'https://issuer.example', subject } }
}

/** Runs one statement that a test needs once. */
export function sql(
  database: Database,
  text: string,
  values: readonly SqlValue[] = [],
): Promise<readonly SqlRow[]> {
  return database.query({ name: 'test', text }, values, { kind: 'write' })
}

/** Seals a credential and writes it as the store does. Resolves with its version. */
export async function putCredential(
  database: Database,
  codec: EnvelopeCodec,
  key: CredentialKey,
  secret: string,
  namespace = 'default',
): Promise<string> {
  const version = createVersion()
  const context = credentialContext({ store: 'postgres', namespace, key, version })
  const envelope = await codec.seal(context, formatCredential({ kind: 'api-key', secret }))
  const { provider, owner } = key
  const [issuer, subject] = owner.kind === 'user' ? [owner.issuer, owner.subject] : [null, null]
  await sql(
    database,
    `INSERT INTO {schema}.credentials VALUES
       ($1, $2, $3, $4, $5, $6, $7, decode($8, 'hex'), $9, $10, clock_timestamp())
     ON CONFLICT (namespace, key_digest) DO UPDATE SET version = excluded.version,
       key_id = excluded.key_id, wrapped_key = excluded.wrapped_key, payload = excluded.payload,
       updated_at = excluded.updated_at, changed_at = clock_timestamp()`,
    [
      namespace,
      digestBytes(digestKey(key)),
      provider,
      owner.kind,
      issuer,
      subject,
      version,
      envelope.wrappedKey.keyId,
      envelope.wrappedKey.bytes,
      envelope.payload,
    ],
  )
  return version
}

/** Everything of the table `credentials`, for comparing before and after. */
export function readCredentials(database: Database): Promise<readonly SqlRow[]> {
  return sql(
    database,
    `SELECT namespace, encode(key_digest, 'hex') AS digest, owner_subject, version::text AS version,
       encode(key_id, 'hex') AS key_id, encode(wrapped_key, 'hex') AS wrapped_key,
       encode(payload, 'hex') AS payload, updated_at::text AS updated_at,
       changed_at::text AS changed_at
     FROM {schema}.credentials ORDER BY namespace, key_digest`,
  )
}

/** Every table that a store writes to. */
export const STORE_TABLES = [
  'credentials',
  'credential_deletions',
  'leases',
  'encryption_keys',
  'audit_events',
]

/** Removes every row, which is quicker than a new database: PGlite takes seconds to start. */
export async function emptyTables(database: Database): Promise<void> {
  for (const table of STORE_TABLES) await sql(database, `DELETE FROM {schema}.${table}`)
}
