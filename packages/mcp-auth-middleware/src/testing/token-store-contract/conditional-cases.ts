import assert from 'node:assert/strict'
import { isAuthError } from '../../errors.js'
import {
  apiKey,
  assertStored,
  rejectsWith,
  serviceKey,
  type TokenStoreContractCase,
  type TokenStoreContractContext,
  userKey,
} from './context.js'
import { UNSUPPORTED, writeCase } from './write-case.js'

/** A case for stores that decide conditions. The others have to refuse the conditions. */
function conditionCase(
  id: string,
  title: string,
  run: (context: TokenStoreContractContext) => Promise<void>,
): TokenStoreContractCase {
  return writeCase(id, title, async (context) => {
    const store = await context.create([[serviceKey(), apiKey('unchanged')]])
    if (store.capabilities.compareAndSet) return run(context)
    const version = (await store.get(serviceKey()))?.version ?? ''
    await rejectsWith(UNSUPPORTED, () =>
      store.set(serviceKey(), apiKey('new'), { ifVersion: version }),
    )
    await rejectsWith(UNSUPPORTED, () => store.delete(serviceKey(), { ifVersion: version }))
    await assertStored(store, serviceKey(), apiKey('unchanged'))
  })
}

/** A case for stores that create only where nothing is. The others have to refuse the condition. */
function createCase(
  id: string,
  title: string,
  run: (context: TokenStoreContractContext) => Promise<void>,
): TokenStoreContractCase {
  return writeCase(id, title, async (context) => {
    const store = await context.create([])
    const { createOnly, compareAndSet } = store.capabilities
    if (createOnly ?? compareAndSet) return run(context)
    await rejectsWith(UNSUPPORTED, () =>
      store.set(userKey('ann'), apiKey('new'), { ifAbsent: true }),
    )
    assert.equal(await store.get(userKey('ann')), undefined)
  })
}

async function countWinners(attempts: readonly Promise<unknown>[]): Promise<number> {
  let winners = 0
  for (const result of await Promise.allSettled(attempts)) {
    if (result.status === 'fulfilled') winners++
    else assert.ok(isAuthError(result.reason) && result.reason.code === 'ERR_STORE_CONFLICT')
  }
  return winners
}

/** What stores promise to writers who name a condition. */
export const conditionalCases: readonly TokenStoreContractCase[] = [
  conditionCase('TS30', 'ifVersion writes over that version only', async (context) => {
    const store = await context.create([])
    const first = await store.set(serviceKey(), apiKey('first'))
    const second = await store.set(serviceKey(), apiKey('second'), { ifVersion: first.version })
    const lost = () => store.set(serviceKey(), apiKey('third'), { ifVersion: first.version })
    await rejectsWith('ERR_STORE_CONFLICT', lost, ['third'])
    await assertStored(store, serviceKey(), apiKey('second'))
    assert.equal((await store.get(serviceKey()))?.version, second.version)
    const absent = () => store.set(userKey('ann'), apiKey('x'), { ifVersion: first.version })
    await rejectsWith('ERR_STORE_CONFLICT', absent)
    assert.equal(await store.get(userKey('ann')), undefined)
  }),

  createCase('TS31', 'ifAbsent writes only where nothing is stored', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('seed')]])
    await rejectsWith('ERR_STORE_CONFLICT', () =>
      store.set(serviceKey(), apiKey('new'), { ifAbsent: true }),
    )
    await assertStored(store, serviceKey(), apiKey('seed'))
    await store.set(userKey('ann'), apiKey('new'), { ifAbsent: true })
    await assertStored(store, userKey('ann'), apiKey('new'))
  }),

  conditionCase('TS32', 'a conditional delete removes that version only', async (context) => {
    const store = await context.create([])
    const first = await store.set(serviceKey(), apiKey('first'))
    const second = await store.set(serviceKey(), apiKey('second'))
    await rejectsWith('ERR_STORE_CONFLICT', () =>
      store.delete(serviceKey(), { ifVersion: first.version }),
    )
    await assertStored(store, serviceKey(), apiKey('second'))
    assert.equal(await store.delete(serviceKey(), { ifVersion: second.version }), true)
    assert.equal(await store.delete(serviceKey(), { ifVersion: second.version }), false)
  }),

  conditionCase('TS33', 'X24 lets one of 50 parallel writers win', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('seed')]])
    const ifVersion = (await store.get(serviceKey()))?.version ?? ''
    const writers = Array.from({ length: 50 }, (_, index) => apiKey(`writer-${index}`))
    const over = writers.map((input) => store.set(serviceKey(), input, { ifVersion }))
    assert.equal(await countWinners(over), 1)
    assert.notEqual((await store.get(serviceKey()))?.version, ifVersion)
  }),

  createCase('TS35', 'X24 lets one of 50 parallel creators win', async (context) => {
    const store = await context.create([])
    const replica = await context.create([], { beside: store })
    const creators = Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? store : replica).set(userKey('ann'), apiKey(`creator-${index}`), {
        ifAbsent: true,
      }),
    )
    assert.equal(await countWinners(creators), 1)
    const winner = (await Promise.allSettled(creators)).find(({ status }) => status === 'fulfilled')
    assert.ok(winner?.status === 'fulfilled')
    await assertStored(store, userKey('ann'), apiKey(winner.value.secret))
  }),

  createCase('TS36', 'does not create over a tombstone', async (context) => {
    const store = await context.create([])
    if (!store.capabilities.tombstone) return
    await store.delete(serviceKey(), { tombstone: true })
    await rejectsWith('ERR_STORE_CONFLICT', () =>
      store.set(serviceKey(), apiKey('new'), { ifAbsent: true }),
    )
    assert.equal(await store.get(serviceKey()), undefined)
    assert.ok((await store.tombstone?.(serviceKey())) !== undefined)
  }),

  conditionCase('TS34', 'refuses both conditions at once', async (context) => {
    const store = await context.create([])
    const both = { ifVersion: 'v', ifAbsent: true } as const
    await rejectsWith('ERR_STORE_INVALID', () => store.set(serviceKey(), apiKey('x'), both))
    assert.equal(await store.get(serviceKey()), undefined)
  }),
]
