import { type CredentialKey, isAuthError, type TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  type SealedFields,
  type SealedStoreContractContext,
  sealedStoreContract,
} from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { digestBytes, digestKey } from '../../src/credentials/key-digest.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, SqlValue } from '../../src/database/database.js'
import { rotateKeys } from '../../src/keys/rewrap-records.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import { type TestDatabase, testEngines } from '../support/engines.js'
import { codecOf, emptyTables, STORE_TABLES, sql } from './sealed-rows.js'

// PGlite needs seconds to start, and far more on a busy machine.
const START_MILLISECONDS = 180_000

/** The parts of a row, each as bytes, and how bytes become a column again. */
const COLUMNS: Readonly<Record<string, readonly [read: string, write: (value: string) => string]>> =
  {
    provider: [`convert_to(provider, 'UTF8')`, (value) => `convert_from(${value}, 'UTF8')`],
    owner_kind: [`convert_to(owner_kind, 'UTF8')`, (value) => `convert_from(${value}, 'UTF8')`],
    owner_issuer: [`convert_to(owner_issuer, 'UTF8')`, (value) => `convert_from(${value}, 'UTF8')`],
    owner_subject: [
      `convert_to(owner_subject, 'UTF8')`,
      (value) => `convert_from(${value}, 'UTF8')`,
    ],
    version: [
      `decode(replace(version::text, '-', ''), 'hex')`,
      (value) => `encode(${value}, 'hex')::uuid`,
    ],
    key_id: ['key_id', (value) => value],
    wrapped_key: ['wrapped_key', (value) => value],
    payload: ['payload', (value) => value],
  }

const SELECTED = Object.entries(COLUMNS).map(([name, [read]]) => `${read} AS ${name}`)

/** Tells a value that a column cannot hold (data exception, integrity constraint) from an outage. */
function isRefusal(error: unknown): boolean {
  if (!isAuthError(error) || typeof error.cause !== 'object') return false
  return /^2[23]/.test(String(Reflect.get(error.cause ?? {}, 'code')))
}

async function writeRow(
  database: Database,
  namespace: string,
  key: CredentialKey,
  fields: SealedFields,
): Promise<boolean> {
  const values: SqlValue[] = [namespace, digestBytes(digestKey(key))]
  const changes = Object.entries(fields).map(([name, bytes]) => {
    values.push(bytes)
    return `${name} = ${COLUMNS[name]?.[1](`$${values.length}::bytea`)}`
  })
  const text = `UPDATE {schema}.credentials SET ${changes.join(', ')}
    WHERE namespace = $1 AND key_digest = $2`
  try {
    await sql(database, text, values)
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}

const first = testEngines().find(({ skip }) => skip === undefined)

// Hundreds of records, and what happens to them in the process: by day on the first engine that runs, and
// with fewer of them. Every bit, and all cases on all engines, by night.
const COSTLY = ['SS02', 'SS03', 'SS20']

describe.each(testEngines())('sealed store contract: postgres on $name', (engine) => {
  let home: TestDatabase
  let database: Database

  beforeAll(async () => {
    if (engine.skip !== undefined) return
    home = await engine.createDatabase()
    database = createDatabase(home.options)
    await database.ready({ timeoutMilliseconds: START_MILLISECONDS })
    // Whoever can damage rows can drop these too. Constraints are a convenience, not the protection.
    for (const name of ['credentials_tombstone_check', 'credentials_key_id_check']) {
      await sql(database, `ALTER TABLE {schema}.credentials DROP CONSTRAINT ${name}`)
    }
  }, START_MILLISECONDS)

  afterAll(async () => {
    if (engine.skip !== undefined) return
    await database.close()
    await home.drop()
  })

  const stores = new WeakMap<TokenStore, { namespace: string; keys: readonly string[] }>()

  function requireKnown(store: TokenStore): { namespace: string; keys: readonly string[] } {
    const known = stores.get(store)
    if (known === undefined) throw new Error('not a store of this context')
    return known
  }

  const context: SealedStoreContractContext = {
    effort: isLongForm ? 'full' : 'sample',
    async create(seed, { keys, beside, namespace }) {
      // Cases run one after the other: an empty database is as good as a new one.
      if (beside === undefined) await emptyTables(database)
      const name = namespace ?? (beside && requireKnown(beside).namespace) ?? 'default'
      const encryptionKeys = keys.join(',')
      const store = postgresTokenStore({ database, encryptionKeys, namespace: name })
      stores.set(store, { namespace: name, keys })
      for (const [key, input] of seed) await store.set(key, input)
      return store
    },
    destroy: (store) => store.close(),
    async dump() {
      const lines: string[] = []
      for (const table of STORE_TABLES) {
        const rows = await sql(
          database,
          `SELECT row_to_json(t)::text AS line FROM {schema}.${table} t`,
        )
        lines.push(...rows.map(({ line }) => String(line)))
      }
      return Buffer.from(lines.join('\n'))
    },
    async records(store) {
      const { namespace } = requireKnown(store)
      const keys: CredentialKey[] = []
      for await (const key of store.keys()) keys.push(key)
      return keys.map((key) => ({
        key,
        async read() {
          const text = `SELECT ${SELECTED.join(', ')} FROM {schema}.credentials
            WHERE namespace = $1 AND key_digest = $2`
          const [row] = await sql(database, text, [namespace, digestBytes(digestKey(key))])
          // Every column of the statement is bytea.
          return { ...row } as SealedFields
        },
        write: (fields) => writeRow(database, namespace, key, fields),
      }))
    },
    parts: () => ({
      keyId: { field: 'key_id', offset: 0, length: 8 },
      ivs: [
        { field: 'wrapped_key', offset: 1, length: 12 },
        { field: 'payload', offset: 1, length: 12 },
      ],
      identity: ['provider', 'owner_kind', 'owner_issuer', 'owner_subject'],
    }),
    async rotate(store) {
      const codec = codecOf(...requireKnown(store).keys.map((text) => ({ text })))
      await rotateKeys(database, codec, { batchSize: 7 })
    },
  }

  for (const { id, title, run } of sealedStoreContract) {
    if (!isLongForm && engine !== first && COSTLY.includes(id)) continue
    it.skipIf(engine.skip)(`${id}: ${title}`, () => run(context), 120_000)
  }
})
