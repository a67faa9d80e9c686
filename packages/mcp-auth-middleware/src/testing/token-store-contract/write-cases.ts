import assert from 'node:assert/strict'
import { isAuthError } from '../../errors.js'
import type { CredentialInput, TokenStore } from '../../token-store/token-store.js'
import {
  apiKey,
  assertStored,
  contractCase,
  listKeys,
  rejectsWith,
  serviceKey,
  type TokenStoreContractCase,
  type TokenStoreContractContext,
  userKey,
} from './context.js'

const UNSUPPORTED = 'ERR_STORE_UNSUPPORTED'

const INVALID_INPUTS: readonly (readonly [description: string, input: unknown])[] = [
  ['an empty secret', { kind: 'api-key', secret: '' }],
  ['no secret', { kind: 'api-key' }],
  ['a secret of 64 KiB and one byte', { kind: 'api-key', secret: 'canary'.padEnd(65_537, 'k') }],
  ['a secret with NUL', { kind: 'api-key', secret: 'canary\0' }],
  ['a secret with a lone surrogate', { kind: 'api-key', secret: 'canary\ud800' }],
  ['an unknown kind', { kind: 'canary', secret: 'canary' }],
  ['a refresh token of an API key', { kind: 'api-key', secret: 'canary', refreshToken: 'r' }],
  ['an end that is no number', { kind: 'oauth2', secret: 'canary', expiresAt: Number.NaN }],
  ['a scope with a space', { kind: 'oauth2', secret: 'canary', scopes: ['canary one'] }],
  ['metadata that is no text', { kind: 'api-key', secret: 'canary', metadata: { a: 1 } }],
]

/** What a read-only store says to every write; nothing is emulated and nothing changes. */
async function refusesWrites(context: TokenStoreContractContext): Promise<void> {
  const seed = apiKey('unchanged')
  const store = await context.create([[serviceKey(), seed]])
  await rejectsWith(UNSUPPORTED, () => store.set(serviceKey(), apiKey('new')))
  await rejectsWith(UNSUPPORTED, () => store.set(serviceKey(), apiKey('new'), { ifAbsent: true }))
  await rejectsWith(UNSUPPORTED, () => store.set(userKey('ann'), apiKey('new')))
  await rejectsWith(UNSUPPORTED, () => store.delete(serviceKey()))
  await rejectsWith(UNSUPPORTED, () => store.delete(userKey('ann')))
  await assertStored(store, serviceKey(), seed)
  assert.equal(await store.get(userKey('ann')), undefined)
}

/** A case for stores that write. The others have to refuse. */
function writeCase(
  id: string,
  title: string,
  run: (context: TokenStoreContractContext) => Promise<void>,
): TokenStoreContractCase {
  return contractCase(id, title, async (context) => {
    const { write } = (await context.create([])).capabilities
    await (write ? run(context) : refusesWrites(context))
  })
}

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

async function takeAfterEnd(
  store: TokenStore,
  advance: TokenStoreContractContext['advance'],
): Promise<void> {
  await advance?.(3)
  const end = Date.now() + 10_000
  let lease = await store.lease?.(serviceKey(), 30)
  while (lease === undefined && advance === undefined && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    lease = await store.lease?.(serviceKey(), 30)
  }
  assert.ok(lease !== undefined, 'a lease that ran out can be taken again')
  await lease.release()
}

/** What stores promise to writers; a store without a capability has to say so. */
export const writeCases: readonly TokenStoreContractCase[] = [
  writeCase('TS20', 'returns what it stored and replaces the value as a whole', async (context) => {
    const store = await context.create([])
    const full: CredentialInput = {
      kind: 'oauth2',
      secret: 'old',
      refreshToken: 'r',
      scopes: ['a'],
    }
    await store.set(serviceKey(), full)
    const written = await store.set(serviceKey(), apiKey('new'))
    assert.equal(written.secret, 'new')
    assert.ok(!Object.keys(written).includes('secret'))
    await assertStored(store, serviceKey(), apiKey('new'))
    assert.equal((await store.get(serviceKey()))?.version, written.version)
  }),

  writeCase('TS21', 'accepts a credential that was read from a store', async (context) => {
    const input: CredentialInput = { kind: 'oauth2', secret: 'access', refreshToken: 'refresh' }
    const store = await context.create([[serviceKey(), input]])
    const found = await store.get(serviceKey())
    assert.ok(found !== undefined)
    await store.set(userKey('ann'), found)
    await assertStored(store, userKey('ann'), input)
  }),

  writeCase('TS22', 'X22 refuses invalid values without repeating them', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('unchanged')]])
    for (const [description, input] of INVALID_INPUTS) {
      const write = () => store.set(serviceKey(), input as CredentialInput)
      await rejectsWith('ERR_STORE_INVALID', write, ['canary']).catch((cause) => {
        throw new Error(description, { cause })
      })
    }
    await rejectsWith('ERR_STORE_INVALID', () => store.set(userKey('\0'), apiKey('secret')))
    await rejectsWith('ERR_STORE_INVALID', () => store.delete(userKey('')))
    await assertStored(store, serviceKey(), apiKey('unchanged'))
  }),

  writeCase('TS23', 'gives every write a new version, also for an equal value', async (context) => {
    const store = await context.create([])
    const versions = new Set<string>()
    for (const secret of ['same', 'same', 'other', 'same']) {
      versions.add((await store.set(serviceKey(), apiKey(secret))).version)
    }
    await store.delete(serviceKey())
    versions.add((await store.set(serviceKey(), apiKey('same'))).version)
    assert.equal(versions.size, 5)
  }),

  writeCase('TS24', 'writes and deletes one owner only', async (context) => {
    const store = await context.create([
      [serviceKey(), apiKey('service')],
      [userKey('bc', 'a'), apiKey('bc')],
      [userKey('c', 'ab'), apiKey('c')],
    ])
    await store.set(userKey('bc', 'a'), apiKey('new'))
    await assertStored(store, userKey('c', 'ab'), apiKey('c'))
    assert.equal(await store.delete(userKey('bc', 'a')), true)
    await assertStored(store, userKey('c', 'ab'), apiKey('c'))
    await assertStored(store, serviceKey(), apiKey('service'))
    assert.deepEqual((await listKeys(store)).length, 2)
  }),

  writeCase('TS25', 'tells whether a delete removed something', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('secret')]])
    assert.equal(await store.delete(userKey('ann')), false)
    assert.equal(await store.delete(serviceKey()), true)
    assert.equal(await store.delete(serviceKey()), false)
    assert.equal(await store.get(serviceKey()), undefined)
    assert.deepEqual(await listKeys(store), [])
  }),

  writeCase('TS26', 'shows a write to a second replica', async (context) => {
    const one = await context.create([])
    const other = await context.create([], { beside: one })
    await one.set(serviceKey(), apiKey('secret'))
    await assertStored(other, serviceKey(), apiKey('secret'))
    assert.equal(await other.delete(serviceKey()), true)
    assert.equal(await one.get(serviceKey()), undefined)
  }),

  writeCase('TS27', 'rejects writes after close', async (context) => {
    const store = await context.create([])
    await store.close()
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => store.set(serviceKey(), apiKey('secret')))
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => store.delete(serviceKey()))
  }),

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

  contractCase('TS40', 'lends the refresh of a key to one holder at a time', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('secret')]])
    if (!store.capabilities.lease) {
      if (store.lease === undefined) return
      return rejectsWith(UNSUPPORTED, async () => store.lease?.(serviceKey(), 30))
    }
    const replica = await context.create([], { beside: store })
    const attempts = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? store : replica).lease?.(serviceKey(), 30),
    )
    const leases = (await Promise.all(attempts)).filter((lease) => lease !== undefined)
    assert.equal(leases.length, 1)
    // Another key is another lease, and a lease blocks no write.
    const other = await replica.lease?.(userKey('nobody'), 30)
    assert.ok(other !== undefined)
    await other.release()
    await store.set(serviceKey(), apiKey('written meanwhile'))

    await leases[0]?.release()
    await leases[0]?.release()
    const next = await replica.lease?.(serviceKey(), 30)
    assert.ok(next !== undefined)
    // A holder of the past must not give away what it no longer has.
    await leases[0]?.release()
    assert.equal(await store.lease?.(serviceKey(), 30), undefined)
    await next.release()
  }),

  contractCase('TS41', 'ends a lease that nobody gave back', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('secret')]])
    if (!store.capabilities.lease) {
      if (store.lease === undefined) return
      return rejectsWith(UNSUPPORTED, async () => store.lease?.(serviceKey(), 30))
    }
    assert.ok((await store.lease?.(serviceKey(), 2)) !== undefined)
    assert.equal(await store.lease?.(serviceKey(), 2), undefined)
    await takeAfterEnd(store, context.advance?.bind(context))
    for (const ttlSeconds of [0, -1, Number.NaN, 301]) {
      await rejectsWith('ERR_STORE_INVALID', async () => store.lease?.(serviceKey(), ttlSeconds))
    }
  }),
]
