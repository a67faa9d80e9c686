import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryTokenStore } from '../../../packages/mcp-auth-middleware/src/token-store/memory-token-store.js'
import type { TokenStore } from '../../../packages/mcp-auth-middleware/src/token-store/token-store.js'
import { envTokenStore, envVariableFor } from '../../../packages/store-env/src/index.js'
import {
  type Backend,
  openBackend,
  openStore,
} from '../../../packages/store-postgres/test/credentials/support.js'
import { testEngines } from '../../../packages/store-postgres/test/support/engines.js'
import { isLongForm } from '../support/long-form.js'
import { migrationCommands } from './support/migration-commands.js'
import {
  checkInvariants,
  type Expected,
  KEYS,
  type Migration,
  PARTS,
  type Parts,
  secretsOf,
} from './support/migration-model.js'
import { expectToHold, isCaught, type KnownFailure, PATIENCE } from './support/property.js'

const FIRST = ['secret-a', 'secret-b', undefined] as const

type Build = () => Promise<Pick<Migration, 'stores' | 'emptyByHand'>>

async function fill(store: TokenStore): Promise<TokenStore> {
  for (const [index, secret] of FIRST.entries()) {
    const key = KEYS[index]
    if (key !== undefined && secret !== undefined) await store.set(key, { kind: 'api-key', secret })
  }
  return store
}

const inMemory: Build = async () => ({
  stores: { old: await fill(memoryTokenStore()), new: memoryTokenStore() },
  emptyByHand: undefined,
})

/** From variables that nobody can write, as phase 1 to 2. */
const fromEnv =
  (target: () => TokenStore): Build =>
  async () => {
    const env: Record<string, string> = {}
    const users = ['ann', 'bob'].map((subject) => ({
      provider: 'coda',
      issuer: 'https://issuer.example',
      subject,
    }))
    for (const [index, secret] of FIRST.entries()) {
      const key = KEYS[index]
      if (key !== undefined && secret !== undefined) env[(await envVariableFor(key)) ?? ''] = secret
    }
    return {
      stores: { old: envTokenStore({ env, users }), new: target() },
      emptyByHand() {
        for (const name of Object.keys(env)) delete env[name]
      },
    }
  }

/** Whatever servers and operators do in whatever order, and wherever a process dies. */
const survives = (build: Build, parts: Parts, maxCommands: number) =>
  fc.asyncProperty(migrationCommands(maxCommands), async (commands) => {
    await fc.asyncModelRun(async () => {
      const model: Expected = { secrets: [...FIRST], phase: 'old' }
      const { stores, emptyByHand } = await build()
      const real: Migration = { parts, stores, emptyByHand, frozen: undefined }
      await checkInvariants(model, real)
      return { model, real }
    }, commands)
  })

describe('a migration, as a model of its states', () => {
  it('X35 loses nothing between memory stores, there and back', { timeout: PATIENCE }, async () => {
    await expectToHold(survives(inMemory, PARTS, 40), {
      part: 'migration-memory',
      method:
        'random steps of servers and operators with kills, checked against a model after each',
      runs: isLongForm ? 300 : 100,
      longRuns: 20_000,
    })
  })

  it('X35 loses nothing on the way from variables', { timeout: PATIENCE }, async () => {
    await expectToHold(survives(fromEnv(memoryTokenStore), PARTS, 30), {
      part: 'migration-env',
      method: 'the same from environment variables, which cannot be written',
      runs: isLongForm ? 150 : 50,
      longRuns: 10_000,
    })
  })

  const engine = testEngines().find(({ skip }) => skip === undefined)
  describe.skipIf(engine === undefined)('with a database', () => {
    let backend: Backend | undefined
    beforeAll(async () => {
      backend = engine && (await openBackend(engine))
      await backend?.database.ready()
    }, 120_000)
    afterAll(() => backend?.end())

    const postgres = (): TokenStore => {
      if (backend === undefined) throw new Error('there is no database')
      return openStore(backend)
    }

    it.each<[string, Build]>([
      ['variables to PostgreSQL', async () => fromEnv(postgres)()],
      [
        'PostgreSQL to memory',
        async () => ({
          stores: { old: await fill(postgres()), new: memoryTokenStore() },
          emptyByHand: undefined,
        }),
      ],
    ])('X35 loses nothing on the way from %s', { timeout: PATIENCE }, async (way, build) => {
      await expectToHold(survives(build, PARTS, 20), {
        part: `migration-${way.toLowerCase().replaceAll(' ', '-')}`,
        method: `the same on the way from ${way}, in a database of ${engine?.name}`,
        runs: isLongForm ? 8 : 3,
        longRuns: 400,
      })
    })
  })
})

/** Copies whatever is there over whatever is there. */
const blindCopy: Parts['copy'] = async ({ old, new: to }) => {
  for (const key of KEYS) {
    const credential = await old.get(key)
    if (credential !== undefined) await to.set(key, credential)
  }
}

describe('the model catches a procedure that', () => {
  it.each<[string, Partial<Parts>, KnownFailure?]>([
    ['copies over what is newer', { copy: blindCopy }],
    [
      'moves instead of copying',
      {
        async copy(stores) {
          await PARTS.copy(stores)
          for (const key of KEYS) await stores.old.delete(key)
        },
      },
    ],
    [
      'writes one store in dual-write',
      { dualWrite: ({ old }) => old, copy: async () => undefined },
      { seed: 3, path: '50' },
    ],
    [
      'leaves no tombstone',
      {
        readNew(stores) {
          const store = PARTS.readNew(stores)
          return { ...store, delete: (key) => stores.new.delete(key) }
        },
      },
    ],
    [
      'writes the source in read-new',
      {
        readNew(stores) {
          const store = PARTS.readNew(stores)
          return {
            ...store,
            async set(key, input) {
              await stores.old.set(key, input)
              return store.set(key, input)
            },
          }
        },
      },
    ],
    [
      'empties both stores at the end',
      {
        async finish(stores) {
          for (const key of KEYS) await stores.new.delete(key)
          return PARTS.finish(stores)
        },
      },
    ],
    [
      'says that it is finished and leaves things behind',
      { finish: async () => ({ finished: true }) },
    ],
    // "What the new store holds does no harm to a later attempt" holds with this step alone.
    ['keeps what was deleted between two attempts', { clearExtra: async () => undefined }],
  ])('%s', { timeout: PATIENCE }, async (_fault, fault, known) => {
    const property = survives(inMemory, { ...PARTS, ...fault }, 60)
    expect(await isCaught(property, 3000, known)).toBe(true)
  })

  it('starts from what the stores really hold', async () => {
    const { stores } = await inMemory()
    expect(await secretsOf(stores.old)).toEqual(FIRST)
    expect(await secretsOf(stores.new)).toEqual([undefined, undefined, undefined])
  })
})
