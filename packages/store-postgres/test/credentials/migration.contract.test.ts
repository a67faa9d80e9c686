import { memoryTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  type MigrationContractCase,
  migrationContract,
} from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import {
  type FakeInfisical,
  startFakeInfisical,
} from '../../../store-infisical/test/fake-infisical/index.js'
import { storeOver } from '../../../store-infisical/test/support.js'
import type { TestEngine } from '../support/engines.js'
import { type Backend, engineSetups, openBackend, openStore } from './support.js'

interface Backends {
  readonly postgres: Backend
  readonly infisical: FakeInfisical
}

type Build = (backends: Backends) => TokenStore

// These tests are not about how long a busy machine takes to answer.
const PATIENCE = { readDeadlineMilliseconds: 15_000, writeDeadlineMilliseconds: 30_000 }

const memory: Build = () => memoryTokenStore()
const postgres: Build = (backends) => openStore(backends.postgres)
const infisical: Build = (backends) => storeOver(backends.infisical, PATIENCE)

// Looks at a key again for five seconds. Each pair is alone, so that all directions wait together.
const WAITS = 'MG08'

const DIRECTIONS: readonly (readonly [title: string, from: Build, to: Build])[] = [
  ['memory to postgres', memory, postgres],
  ['postgres to another namespace', postgres, postgres],
  ['postgres to infisical', postgres, infisical],
  ['infisical to postgres', infisical, postgres],
]

const RUNNING = engineSetups.flatMap(({ engine }) => (engine.skip === undefined ? [engine] : []))

/** Cases of 200 credentials, and the direction in which the first engine is held to them by day. */
const COSTLY: Readonly<Record<string, number>> = { MG01: 0, MG04: 1 }

/**
 * The cases of one direction on one engine: all of them by night. By day a case takes every other direction,
 * the next case the others, so that PostgreSQL is moved from and to in each of them; and the engines take
 * turns, so that each engine meets every direction.
 */
function casesOf(direction: number, engine: TestEngine): readonly MigrationContractCase[] {
  if (isLongForm || engine.skip !== undefined) return migrationContract
  return migrationContract.filter(({ id }, index) => {
    if (id in COSTLY) return COSTLY[id] === direction && engine === RUNNING[0]
    const turn = Math.floor(index / 2) + Math.floor(direction / 2)
    return direction % 2 === index % 2 && RUNNING[turn % RUNNING.length] === engine
  })
}

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

    for (const [direction, [title, from, to]] of DIRECTIONS.entries()) {
      describe(title, () => {
        for (const each of casesOf(direction, engine)) if (each.id !== WAITS) prove(each, from, to)
      })
    }
    for (const [direction, [title, from, to]] of DIRECTIONS.entries()) {
      const waiting = casesOf(direction, engine).filter(({ id }) => id === WAITS)
      if (waiting.length === 0) continue
      describe.concurrent(title, () => {
        for (const each of waiting) prove(each, from, to)
      })
    }
  })
})
