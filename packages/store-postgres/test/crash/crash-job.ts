import {
  type CredentialKey,
  type MigrationReport,
  migrateCredentials,
} from '@bestviable/mcp-auth-middleware'
import { createEnvelopeCodec, localKeyProvider } from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database } from '../../src/database/database.js'
import { type RotationResult, rotateKeys } from '../../src/keys/rewrap-records.js'
import { type PostgresTokenStore, postgresTokenStore } from '../../src/postgres-token-store.js'
import {
  type CrashPoints,
  createCrashPoints,
  keyProviderWithCrashPoints,
  poolWithCrashPoints,
  storeWithCrashPoints,
} from './crash-points.js'

export const CREDENTIALS = 1000
/** Also the connections of a pool: more callers would wait, which a busy machine lets fail. */
export const PARALLEL = 3

/** What a process has to do that may be killed, and again what another does after it. */
export interface CrashJob {
  /**
   * `migrate` copies namespace `old` to `new`, `rotate` moves both to the first key, `set` replaces every
   * credential of `old`.
   */
  readonly operation: 'migrate' | 'rotate' | 'set'
  readonly connectionString: string
  /** Key ring, the current key first. */
  readonly keys: string
}

/** Key of one of the credentials. */
export function crashKey(index: number): CredentialKey {
  const subject = `user-${index}`
  return { provider: 'coda', owner: { kind: 'user', issuer: 'https://issuer.example', subject } }
}

/** What a credential is before `set`, and what it is after it. Of many lengths. */
export function crashSecret(index: number, state: 'before' | 'after'): string {
  return `canary-${state}-${index}-${'x'.repeat(index % 90)}`
}

export async function forEachCredential(run: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < CREDENTIALS) await run(next++)
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
}

/**
 * Replaces a credential: half of them as `mcp-auth tokens set` does, on condition that nobody else wrote
 * since it was read, and not when it is right already; the others whatever is stored.
 */
async function replace(store: PostgresTokenStore, index: number): Promise<void> {
  const key = crashKey(index)
  const input = { kind: 'api-key', secret: crashSecret(index, 'after') } as const
  if (index % 2 === 0) {
    await store.set(key, input)
    return
  }
  const current = await store.get(key)
  if (current === undefined) throw new Error(`credential ${index} is lost`)
  if (current.secret !== input.secret) await store.set(key, input, { ifVersion: current.version })
}

/** Runs a job to its end, or to the planned point; tells of each credential that was set. */
export async function runCrashJob(
  { operation, connectionString, keys }: CrashJob,
  points: CrashPoints = createCrashPoints(),
  onSet: (index: number) => void = () => undefined,
): Promise<MigrationReport | RotationResult | undefined> {
  const opened: (() => Promise<void>)[] = []
  const keyProviderOf = (prefix: string) =>
    keyProviderWithCrashPoints(localKeyProvider({ keys }), points, prefix)

  async function openDatabase(prefix: string): Promise<Database> {
    const pool = poolWithCrashPoints({ connectionString, max: PARALLEL }, points, prefix)
    const database = createDatabase({ pool, listen: false, acquireTimeoutMilliseconds: 30_000 })
    opened.push(
      () => database.close(),
      () => pool.end(),
    )
    await database.ready()
    return database
  }

  async function openStore(name: string, namespace: string): Promise<PostgresTokenStore> {
    const database = await openDatabase(`${name} `)
    const keyProvider = keyProviderOf(`${name} `)
    const store = postgresTokenStore({
      database,
      keyProvider,
      unwrapCacheEntries: 0,
      namespace,
      auditReads: 'off',
    })
    return storeWithCrashPoints(store, points, name)
  }

  async function run(): Promise<MigrationReport | RotationResult | undefined> {
    if (operation === 'migrate') {
      const [from, to] = [await openStore('from', 'old'), await openStore('to', 'new')]
      points.begin()
      return migrateCredentials({ from, to, concurrency: PARALLEL })
    }
    if (operation === 'rotate') {
      const database = await openDatabase('')
      points.begin()
      const codec = createEnvelopeCodec({ keyProvider: keyProviderOf('') })
      return rotateKeys(database, codec, { batchSize: 100 })
    }
    const store = await openStore('store', 'old')
    points.begin()
    await forEachCredential(async (index) => {
      await replace(store, index)
      onSet(index)
    })
    return undefined
  }

  try {
    return await run()
  } finally {
    for (const close of opened) await close()
  }
}
