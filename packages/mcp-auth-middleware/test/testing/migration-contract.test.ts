import { describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { migrationContract } from '../../src/testing/migration-contract.js'
import { memoryTokenStore } from '../../src/token-store/memory-token-store.js'
import type { TokenStore } from '../../src/token-store/token-store.js'
import { type Lack, limitedStore } from '../token-store/migration/stepped-store.js'

type Lacks = readonly Lack[]

const pairs: readonly (readonly [string, Lacks, Lacks])[] = [
  ['memory to memory', [], []],
  ['a read-only store to memory', ['write', 'tombstone'], []],
  ['a store without conditions to memory', ['compareAndSet', 'tombstone'], []],
  ['memory to a store without conditions', [], ['compareAndSet']],
  ['memory to a store that only creates', [], ['ifVersion']],
  ['a store that only creates to memory', ['ifVersion'], []],
  ['memory to a store without tombstones', [], ['tombstone']],
]

/** The cases for a pair: all by night. By day all for the first pair, and a third for each of the others. */
function casesFor(name: string) {
  const place = pairs.findIndex(([other]) => other === name)
  const isWhole = isLongForm || place === 0
  return migrationContract.filter((_case, index) => isWhole || index % 3 === place % 3)
}

describe.each(pairs)('Migration contract: %s', (name, oldLacks, newLacks) => {
  for (const { id, run, title } of casesFor(name)) {
    it(`${id}: ${title}`, () =>
      run({
        async createPair(seed) {
          const from = memoryTokenStore()
          for (const [key, input] of seed) await from.set(key, input)
          return {
            from: limitedStore(from, oldLacks),
            to: limitedStore(memoryTokenStore(), newLacks),
          }
        },
        async destroyPair({ from, to }) {
          await from.close()
          await to.close()
        },
      }))
  }
})

type Break = (store: TokenStore) => Partial<TokenStore>

/** Runs one case with a broken target and tells whether it noticed. */
async function notices(id: string, breakStore: Break): Promise<boolean> {
  const found = migrationContract.find((each) => each.id === id)
  if (found === undefined) throw new Error(`no case ${id}`)
  try {
    await found.run({
      async createPair(seed) {
        const from = memoryTokenStore()
        for (const [key, input] of seed) await from.set(key, input)
        const sound = memoryTokenStore()
        return { from, to: { ...sound, ...breakStore(sound) } }
      },
      async destroyPair() {},
    })
    return false
  } catch {
    return true
  }
}

const breaks: readonly (readonly [string, string, Break])[] = [
  [
    'trims values',
    'MG01',
    (store) => ({
      set: (key, input, options) =>
        store.set(key, { ...input, secret: input.secret.slice(0, -1) }, options),
    }),
  ],
  [
    'drops metadata',
    'MG01',
    (store) => ({
      set: (key, { kind, secret, refreshToken, expiresAt, scopes }, options) =>
        store.set(key, { kind, secret, refreshToken, expiresAt, scopes }, options),
    }),
  ],
  [
    'leaves no tombstones',
    'MG31',
    (store) => ({ delete: (key, options) => store.delete(key, { ifVersion: options?.ifVersion }) }),
  ],
  ['does not list its tombstones', 'MG30', () => ({ async *tombstones() {} })],
]

describe('migrationContract', () => {
  it('has unique ids and titles', () => {
    const count = migrationContract.length
    expect(new Set(migrationContract.map(({ id }) => id)).size).toBe(count)
    expect(new Set(migrationContract.map(({ title }) => title)).size).toBe(count)
  })

  it.each(breaks)('catches a target that %s', async (_what, id, breakStore) => {
    expect(await notices(id, breakStore)).toBe(true)
  })
})
