import { randomBytes } from 'node:crypto'
import {
  type CredentialInput,
  type CredentialKey,
  cachedTokenStore,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, SqlRow, SqlValue } from '../../src/database/database.js'
import type { DatabaseOptions } from '../../src/database/options.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import type { TestDatabase, TestEngine } from '../support/engines.js'
import { createSetups } from '../support/setups.js'

export const { setups, engineSetups } = createSetups(100)

const PATIENCE = { acquireTimeoutMilliseconds: 10_000, connectTimeoutMilliseconds: 10_000 }

/** A database with its tables, and the keys under which stores of it seal. */
export interface Backend {
  readonly database: Database
  readonly test: TestDatabase
  readonly encryptionKeys: string
  /** Runs SQL beside the store; `{schema}` stands for the schema. */
  run(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** A second connection pool to the same database, as another process has; PGlite has only one. */
  openReplica(): Database
  end(): Promise<void>
}

/** Opens an empty database. Close what stands on it first. */
export async function openBackend(
  engine: TestEngine,
  options: DatabaseOptions = {},
): Promise<Backend> {
  const test = await engine.createDatabase()
  const opened: Database[] = []
  // These tests are not about how long a busy machine takes to open a connection.
  const patience = engine.kind === 'postgres' ? PATIENCE : {}
  function open(): Database {
    const database = createDatabase({ ...test.options, ...patience, ...options })
    opened.push(database)
    return database
  }
  const database = open()
  let statements = 0
  return {
    database,
    test,
    encryptionKeys: generateEncryptionKey(),
    run: (text, values = []) =>
      database.query({ name: `test_${statements++}`, text }, values, { kind: 'write' }),
    openReplica: () => (engine.kind === 'pglite' ? database : open()),
    async end() {
      for (const each of opened) await each.close()
      await test.drop()
    },
  }
}

/** A store of a namespace of its own, unless one is given. */
export function openStore(
  { database, encryptionKeys }: Pick<Backend, 'database' | 'encryptionKeys'>,
  options: Partial<Parameters<typeof postgresTokenStore>[0]> = {},
) {
  return postgresTokenStore({
    database,
    ...(options.keyProvider === undefined && { encryptionKeys }),
    namespace: uniqueNamespace(),
    ...options,
  } as Parameters<typeof postgresTokenStore>[0])
}

/** A namespace that no other test uses. */
export function uniqueNamespace(): string {
  return `n${randomBytes(8).toString('hex')}`
}

/** Puts a cache that keeps nothing in front, as a server has one. */
export function withEmptyCache(store: TokenStore): TokenStore {
  return cachedTokenStore(store, { ttlSeconds: 0, negativeTtlSeconds: 0 })
}

export function serviceKey(provider = 'coda'): CredentialKey {
  return { provider, owner: { kind: 'service' } }
}

export function userKey(subject: string, issuer = 'https://issuer.example'): CredentialKey {
  return { provider: 'coda', owner: { kind: 'user', issuer, subject } }
}

export function apiKey(secret: string): CredentialInput {
  return { kind: 'api-key', secret }
}

/** All keys of a store. */
export async function listKeys(
  store: TokenStore,
  filter?: { readonly provider?: string },
): Promise<CredentialKey[]> {
  const keys: CredentialKey[] = []
  for await (const key of store.keys(filter)) keys.push(key)
  return keys
}

/** The `ERR_…` code that a promise rejects with; `done` when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), 'code')
    return typeof code === 'string' ? code : `no code: ${String(error)}`
  }
}

/** Counts how many promises ended with each code. */
export async function countCodes(promises: readonly Promise<unknown>[]) {
  const counts: Record<string, number> = {}
  for (const code of await Promise.all(promises.map(codeOf))) counts[code] = (counts[code] ?? 0) + 1
  return counts
}
