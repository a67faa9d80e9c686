import { memoryTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  type MigrationContractCase,
  migrationContract,
} from '@bestviable/mcp-auth-middleware/testing'
import { describe, it } from 'vitest'
import { type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'
import { ENCRYPTION_KEYS, storeOver } from './support.js'

type Build = (fake: FakeInfisical) => TokenStore

const SEALED = { seal: { encryptionKeys: ENCRYPTION_KEYS } }
const memory: Build = () => memoryTokenStore()
const readable: Build = (fake) => storeOver(fake)
const sealed: Build = (fake) => storeOver(fake, { ...SEALED, namespace: 'sealed' })

// Looks at a key again for five seconds. Each pair is alone, so that all directions wait together.
const WAITS = 'MG08'

const DIRECTIONS: readonly (readonly [title: string, from: Build, to: Build])[] = [
  ['memory to infisical', memory, readable],
  ['infisical to memory', readable, memory],
  ['infisical to infisical, sealed', readable, sealed],
]

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

describe.each(DIRECTIONS)('migration contract: %s', (_title, from, to) => {
  for (const each of migrationContract) if (each.id !== WAITS) prove(each, from, to)
})
describe.concurrent.each(DIRECTIONS)('migration contract: %s', (_title, from, to) => {
  for (const each of migrationContract) if (each.id === WAITS) prove(each, from, to)
})
