import { credentialDigest } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  credentialContext,
  type EnvelopeCodec,
  localKeyProvider,
  parseCredential,
} from '@bestviable/mcp-auth-middleware/envelope'
import { digestBytes, digestKey } from '../../src/credentials/key-digest.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, SqlRow, SqlValue } from '../../src/database/database.js'
import { envelopeOf } from '../../src/keys/sealed-pages.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import type { TestEngine } from '../support/engines.js'
import { CREDENTIALS, crashKey, crashSecret, forEachCredential } from './crash-job.js'

/** A database in which one process after the other is killed. */
export interface CrashLane {
  readonly connectionString: string
  readonly database: Database
  /** Brings back 1,000 credentials in `old`, all under the first key of the lane, and nothing else. */
  reset(): Promise<void>
  /** A digest of columns of every row of a namespace, by default of all columns. */
  fingerprint(namespace: string, columns?: string): Promise<string>
  /** Opens every credential of a namespace with these keys and digests it. By number. */
  digests(namespace: string, keys: string): Promise<ReadonlyMap<number, string>>
  remove(): Promise<void>
}

const TABLES = ['credentials', 'encryption_keys', 'leases', 'credential_deletions', 'audit_events']
const SAVED = ['credentials', 'encryption_keys'] as const

async function digestRow(row: SqlRow, index: number, namespace: string, codec: EnvelopeCodec) {
  const key = crashKey(index)
  if (Buffer.compare(digestBytes(digestKey(key)), row.key_digest as Uint8Array) !== 0) {
    throw new Error(`credential ${index} is filed under the digest of another`)
  }
  const version = String(row.version)
  const context = credentialContext({ store: 'postgres', namespace, key, version })
  return credentialDigest(parseCredential(await codec.open(context, envelopeOf(row))))
}

export async function createCrashLane(engine: TestEngine, key: string): Promise<CrashLane> {
  const testDatabase = await engine.createDatabase()
  const { connectionString = '' } = testDatabase
  const database = createDatabase({
    connectionString,
    listen: false,
    acquireTimeoutMilliseconds: 30_000,
  })

  function sql(text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return database.query({ name: 'crash', text }, values, { kind: 'maintenance' })
  }

  const store = postgresTokenStore({ database, encryptionKeys: key, namespace: 'old' })
  await forEachCredential(async (index) => {
    await store.set(crashKey(index), { kind: 'api-key', secret: crashSecret(index, 'before') })
  })
  for (const table of SAVED) {
    await sql(`CREATE TABLE {schema}.saved_${table} AS TABLE {schema}.${table}`)
  }

  return {
    connectionString,
    database,
    async reset() {
      // What a killed process had sent may still be under way.
      await sql(`SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'crash-job'`)
      await sql(`TRUNCATE ${TABLES.map((table) => `{schema}.${table}`).join(', ')}`)
      for (const table of SAVED) {
        await sql(`INSERT INTO {schema}.${table} SELECT * FROM {schema}.saved_${table}`)
      }
      const [row] = await sql(`SELECT count(*) FILTER (WHERE namespace = 'old')::int AS old,
        count(DISTINCT key_id)::int AS keys, count(*)::int AS all FROM {schema}.credentials`)
      if (row?.old !== CREDENTIALS || row.all !== CREDENTIALS || row.keys !== 1) {
        throw new Error(`the state is not the one to start from: ${JSON.stringify(row)}`)
      }
    },
    async fingerprint(namespace, columns = 'credentials') {
      const [row] = await sql(
        `SELECT count(*) || ' ' || md5(string_agg((${columns})::text, '' ORDER BY key_digest)) AS text
        FROM {schema}.credentials WHERE namespace = $1`,
        [namespace],
      )
      return String(row?.text)
    },
    async digests(namespace, keys) {
      const rows = await sql(
        `SELECT key_digest, owner_subject, version, key_id, wrapped_key, payload
        FROM {schema}.credentials WHERE namespace = $1`,
        [namespace],
      )
      const codec = createEnvelopeCodec({ keyProvider: localKeyProvider({ keys }) })
      const digests = new Map<number, string>()
      for (const row of rows) {
        const index = Number(String(row.owner_subject).slice('user-'.length))
        digests.set(index, await digestRow(row, index, namespace, codec))
      }
      return digests
    },
    async remove() {
      await database.close()
      await testDatabase.drop()
    },
  }
}
