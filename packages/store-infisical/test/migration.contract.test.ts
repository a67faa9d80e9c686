import { memoryTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  type MigrationContractCase,
  migrationContract,
} from '@bestviable/mcp-auth-middleware/testing'
import { describe, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'
import { ENCRYPTION_KEYS, storeOver } from './support.js'

type Build = (fake: FakeInfisical) => TokenStore

// These tests are not about how long a busy machine takes to answer.
const PATIENCE = { readDeadlineMilliseconds: 15_000, writeDeadlineMilliseconds: 30_000 }
const SEALED = { ...PATIENCE, seal: { encryptionKeys: ENCRYPTION_KEYS } }
const memory: Build = () => memoryTokenStore()
const readable: Build = (fake) => storeOver(fake, PATIENCE)
const sealed: Build = (fake) => storeOver(fake, { ...SEALED, namespace: 'sealed' })

// Looks at a key again for five seconds. Each pair is alone, so that all directions wait together.
const WAITS = 'MG08'

const DIRECTIONS: readonly (readonly [title: string, from: Build, to: Build])[] = [
  ['memory to infisical', memory, readable],
  ['infisical to memory', readable, memory],
  ['infisical to infisical, sealed', readable, sealed],
]

/** Cases of 200 credentials, or of many looks at what was deleted, and where each is held by day. */
const COSTLY: Readonly<Record<string, number>> = { MG01: 0, MG04: 1, MG23: 1 }

/**
 * The cases of one direction: all of them by night. By day each case is left out in one direction, the
 * next one in the next, so that both stores are still moved from and to in each of them.
 */
function casesOf(direction: number): readonly MigrationContractCase[] {
  if (isLongForm) return migrationContract
  return migrationContract.filter(({ id }, index) =>
    id in COSTLY ? COSTLY[id] === direction : index % DIRECTIONS.length !== direction,
  )
}

function prove({ id, run, title }: MigrationContractCase, buildFrom: Build, buildTo: Build): void {
  it(`${id}: ${title}`, { timeout: 120_000 }, () => {
    const fakes = new WeakMap<TokenStore, FakeInfisical>()
    return run({
      async createPair(seed) {
        const fake = await startFakeInfisical()
        const from = buildFrom(fake)
        fakes.set(from, fake)
        for (const [key, input] of seed) await from.set(key, input)
        return { from, to: buildTo(fake) }
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
  describe(`migration contract: ${title}`, () => {
    for (const each of casesOf(direction)) if (each.id !== WAITS) prove(each, from, to)
  })
}
for (const [direction, [title, from, to]] of DIRECTIONS.entries()) {
  const waiting = casesOf(direction).filter(({ id }) => id === WAITS)
  if (waiting.length === 0) continue
  describe.concurrent(`migration contract: ${title}`, () => {
    for (const each of waiting) prove(each, from, to)
  })
}
