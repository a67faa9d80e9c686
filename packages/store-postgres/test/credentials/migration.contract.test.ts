import { memoryTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  type MigrationContractCase,
  migrationContract,
} from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  type FakeInfisical,
  startFakeInfisical,
} from '../../../store-infisical/test/fake-infisical/index.js'
import { storeOver } from '../../../store-infisical/test/support.js'
import { type Backend, engineSetups, openBackend, openStore } from './support.js'

interface Backends {
  readonly postgres: Backend
  readonly infisical: FakeInfisical
}

type Build = (backends: Backends) => TokenStore

const memory: Build = () => memoryTokenStore()
const postgres: Build = (backends) => openStore(backends.postgres)
const infisical: Build = (backends) => storeOver(backends.infisical)

// Looks at a key again for five seconds. Each pair is alone, so that all directions wait together.
const WAITS = 'MG08'

const DIRECTIONS: readonly (readonly [title: string, from: Build, to: Build])[] = [
  ['memory to postgres', memory, postgres],
  ['postgres to another namespace', postgres, postgres],
  ['postgres to infisical', postgres, infisical],
  ['infisical to postgres', infisical, postgres],
]

describe.each(engineSetups)('migration contract: $title', ({ engine }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    function prove({ id, run, title }: MigrationContractCase, buildFrom: Build, buildTo: Build) {
      it(`${id}: ${title}`, { timeout: 120_000 }, () => {
        const fakes = new WeakMap<TokenStore, FakeInfisical>()
        return run({
          async createPair(seed) {
            const fake = await startFakeInfisical()
            const backends = { postgres: backend, infisical: fake }
            const from = buildFrom(backends)
            fakes.set(from, fake)
            for (const [key, input] of seed) await from.set(key, input)
            return { from, to: buildTo(backends) }
          },
          async destroyPair({ from, to }) {
            await from.close()
            await to.close()
            await fakes.get(from)?.close()
          },
        })
      })
    }

    describe.each(DIRECTIONS)('%s', (_title, from, to) => {
      for (const each of migrationContract) if (each.id !== WAITS) prove(each, from, to)
    })
    describe.concurrent.each(DIRECTIONS)('%s', (_title, from, to) => {
      for (const each of migrationContract) if (each.id === WAITS) prove(each, from, to)
    })
  })
})
