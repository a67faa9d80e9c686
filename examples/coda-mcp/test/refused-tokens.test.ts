import {
  type CredentialKey,
  cachedTokenStore,
  dualWriteTokenStore,
  memoryTokenStore,
  readNewTokenStore,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { envTokenStore, envVariableFor } from '@bestviable/mcp-auth-store-env'
import { infisicalTokenStore } from '@bestviable/mcp-auth-store-infisical'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { startFakeInfisical } from '../../../packages/store-infisical/test/fake-infisical/index.js'
import { testEngines } from '../../../packages/store-postgres/test/support/engines.js'
import { createRefusedTokens, refusedSeconds } from '../src/refused-tokens.js'
import { createCleanup } from './support/test-server.js'

vi.setConfig({ testTimeout: 60_000 })

const { add, run } = createCleanup()
afterAll(run)

const key: CredentialKey = {
  provider: 'coda',
  owner: { kind: 'user', issuer: 'https://login.example', subject: 'ann' },
}
const first = 'canary-first'

/** A store that holds the first token. */
interface Held {
  readonly store: TokenStore
  /** The same backend, as another replica sees it. Absent where each process has its own. */
  readonly replica?: TokenStore
  replace(token: string): Promise<void>
}

async function held(store: TokenStore, replica?: TokenStore): Promise<Held> {
  await store.set(key, { kind: 'api-key', secret: first, metadata: { account: 'Ann' } })
  return {
    store: add(store),
    ...(replica === undefined ? {} : { replica: add(replica) }),
    replace: async (secret) => void (await store.set(key, { kind: 'api-key', secret })),
  }
}

async function postgres(kind: 'postgres' | 'pglite'): Promise<Held> {
  const engine = testEngines().find((each) => each.kind === kind && each.skip === undefined)
  if (engine === undefined) throw new Error('is skipped')
  const database = await engine.createDatabase()
  add({ close: () => database.drop() })
  const options = { ...database.options, encryptionKeys: generateEncryptionKey() }
  // The embedded database belongs to one process.
  const replica = kind === 'pglite' ? undefined : postgresTokenStore(options)
  const store = postgresTokenStore(options)
  // An embedded database takes some seconds to open, more than a call may.
  const opens = (): Promise<boolean> =>
    store.check().then(
      () => true,
      () => false,
    )
  await expect.poll(opens, { timeout: 45_000 }).toBe(true)
  return await held(cachedTokenStore(store), replica)
}

async function infisical(): Promise<Held> {
  const fake = add(await startFakeInfisical())
  const { siteUrl, projectId, clientId, clientSecret } = fake
  const create = () =>
    infisicalTokenStore({
      siteUrl,
      projectId,
      environment: 'prod',
      auth: { method: 'universal', clientId, clientSecret },
    })
  return await held(cachedTokenStore(create()), create())
}

async function environment(): Promise<Held> {
  const variable = (await envVariableFor(key)) ?? ''
  const env: Record<string, string> = { [variable]: first }
  const store = add(envTokenStore({ env }))
  return {
    store,
    replace: async (token) => {
      env[variable] = token
    },
  }
}

const missing = (kind: string): boolean =>
  testEngines().every((each) => each.kind !== kind || each.skip !== undefined)

const stores: readonly (readonly [name: string, create: () => Promise<Held>, skip?: boolean])[] = [
  ['memory', () => held(memoryTokenStore())],
  ['env', environment],
  ['PostgreSQL', () => postgres('postgres'), missing('postgres')],
  ['PGlite', () => postgres('pglite'), missing('pglite')],
  ['Infisical', infisical],
  [
    'the first half of a migration',
    () => held(dualWriteTokenStore({ old: memoryTokenStore(), new: memoryTokenStore() })),
  ],
  [
    'the second half of a migration',
    () => held(readNewTokenStore({ old: memoryTokenStore(), new: memoryTokenStore() })),
  ],
]

for (const [name, create, skip = false] of stores) {
  describe.skipIf(skip)(`a token that Coda refuses, in ${name}`, () => {
    it('is marked until it is replaced or the mark is old, and keeps its value', async () => {
      const { store, replica, replace } = await create()
      let now = Date.UTC(2026, 5, 1)
      const refused = createRefusedTokens({ store, now: () => now })
      const read = async (from = store) => {
        const credential = await from.get(key, { maxAgeSeconds: 0 })
        if (credential === undefined) throw new Error('the token is gone')
        return credential
      }
      expect(refused.isMarked(key, await read())).toBe(false)
      expect(await refused.mark(key, first)).toBe(true)
      const marked = await read()
      expect(marked.secret).toBe(first)
      expect(refused.isMarked(key, marked)).toBe(true)

      const { write, compareAndSet } = store.capabilities
      if (replica !== undefined && write && compareAndSet) {
        const there = createRefusedTokens({ store: replica, now: () => now })
        expect(there.isMarked(key, await read(replica))).toBe(true)
        expect(marked.metadata).toMatchObject({ account: 'Ann' })
      }

      now += refusedSeconds * 1_000 - 1_000
      expect(refused.isMarked(key, await read())).toBe(true)
      now += 1_000
      expect(refused.isMarked(key, await read())).toBe(false)
      expect(await refused.mark(key, first)).toBe(true)
      expect(refused.isMarked(key, await read())).toBe(true)

      await replace('canary-second')
      const second = await read()
      expect([second.secret, refused.isMarked(key, second)]).toEqual(['canary-second', false])
    })

    it('is left alone when another one was stored while the call was under way', async () => {
      const { store, replace } = await create()
      const refused = createRefusedTokens({ store })
      await replace('canary-second')
      const { version } = (await store.get(key, { maxAgeSeconds: 0 })) ?? {}
      expect(await refused.mark(key, first)).toBe(false)
      const credential = await store.get(key, { maxAgeSeconds: 0 })
      expect(credential?.version).toBe(version)
      expect(credential && refused.isMarked(key, credential)).toBe(false)
    })
  })
}

describe('createRefusedTokens()', () => {
  it('loses to a token that is stored at the same moment', async () => {
    const store = memoryTokenStore()
    await store.set(key, { kind: 'api-key', secret: first })
    const racing: TokenStore = {
      ...store,
      set: async (...write) => {
        await store.set(key, { kind: 'api-key', secret: 'canary-second' })
        return await store.set(...write)
      },
    }
    expect(await createRefusedTokens({ store: racing }).mark(key, first)).toBe(false)
    expect((await store.get(key))?.secret).toBe('canary-second')
  })

  it('marks here what a store refuses to write, for this caller only', async () => {
    const store = memoryTokenStore()
    const credential = await store.set(key, { kind: 'api-key', secret: first })
    const readOnly: TokenStore = { ...store, set: () => Promise.reject(new Error('no privilege')) }
    const refused = createRefusedTokens({ store: readOnly })
    expect(await refused.mark(key, first)).toBe(true)
    expect(refused.isMarked(key, credential)).toBe(true)
    const other = { provider: 'coda', owner: { kind: 'service' } } as const
    expect(refused.isMarked(other, credential)).toBe(false)
  })
})
