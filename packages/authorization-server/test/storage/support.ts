import { randomBytes } from 'node:crypto'
import {
  createEnvelopeCodec,
  type EnvelopeCodec,
  generateEncryptionKey,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import {
  createDatabase,
  type Database,
  type DatabaseOptions,
  type SqlRow,
  type SqlValue,
} from '@bestviable/mcp-auth-store-postgres'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import type { TestDatabase, TestEngine } from '../../../store-postgres/test/support/engines.js'
import { createSetups, type Setup } from '../../../store-postgres/test/support/setups.js'
import { createStorage } from '../../src/storage/create-storage.js'
import type { Storage } from '../../src/storage/storage.js'

/** PGlite needs seconds to start, and far more on a busy machine. */
export const START_MILLISECONDS = 180_000

export const { setups, engineSetups } = createSetups(200)

function mostlyOnServers(given: readonly Setup[]): readonly Setup[] {
  if (isLongForm || given.every(({ engine }) => engine.kind === 'pglite' || engine.skip))
    return given
  return given.filter(({ engine }) => engine.kind !== 'pglite')
}

/**
 * Setups of suites that ask nothing of PGlite which those of records, of names that are used once and of
 * backups do not ask: by day PostgreSQL only, where it runs, and by night every engine.
 */
export const serverProfiles = mostlyOnServers(setups)
/** The same for tests to which the profile makes no difference. */
export const serverSetups = mostlyOnServers(engineSetups)

export function codecOf(...keys: readonly string[]): EnvelopeCodec {
  return createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: keys.join(',') }) })
}

/** Every table that the storage writes to, but for that of the encryption keys. */
const TABLES = [
  'user_profiles',
  'oauth_clients',
  'oauth_tokens',
  'signing_keys',
  'revocations',
  'audit_events',
  'leases',
]

/** A database, a storage on it, and a clock that tests set. */
export interface Backend {
  readonly home: TestDatabase
  readonly database: Database
  readonly key: string
  readonly codec: EnvelopeCodec
  readonly storage: Storage
  /** Epoch milliseconds; `storage` reads it. */
  readonly clock: { now: number }
  sql(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** A second storage with connections of its own, as another process has; PGlite has only one. */
  openReplica(): Storage
  /** Removes every row, but for the encryption keys. */
  empty(): Promise<void>
  end(): Promise<void>
}

export async function openBackend(
  engine: TestEngine,
  options: DatabaseOptions = {},
): Promise<Backend> {
  const home = await engine.createDatabase()
  const database = createDatabase({ ...home.options, ...options })
  await database.ready({ timeoutMilliseconds: START_MILLISECONDS })
  const key = generateEncryptionKey()
  const codec = codecOf(key)
  // Behind the clock of the database by years, within which tests move it.
  const clock = { now: 1_700_000_000_000 }
  const storage = createStorage({ database, codec, now: () => clock.now })
  await storage.check()
  const opened = [database]
  const storages = [storage]
  let statements = 0

  function sql(text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    statements += 1
    return database.query({ name: `test_${statements}`, text }, values, { kind: 'write' })
  }

  return {
    home,
    database,
    key,
    codec,
    storage,
    clock,
    sql,
    openReplica() {
      const own =
        engine.kind === 'pglite' ? database : createDatabase({ ...home.options, ...options })
      if (own !== database) opened.push(own)
      const replica = createStorage({ database: own, codec, now: () => clock.now })
      storages.push(replica)
      return replica
    },
    async empty() {
      for (const table of TABLES) await sql(`DELETE FROM {schema}.${table}`)
    },
    async end() {
      for (const each of storages) await each.close()
      for (const each of opened) await each.close()
      await home.drop()
    },
  }
}

/** An id as the engine makes them. */
export function newId(): string {
  return randomBytes(32).toString('base64url')
}

/** Name of the class, or `ERR_…` code, of the error that a promise rejects with; `done` when it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), 'code')
    return typeof code === 'string' ? code : String(Reflect.get(Object(error), 'name'))
  }
}
