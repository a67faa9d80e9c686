import assert from 'node:assert/strict'
import type { CredentialKey, TokenStore, Tombstone } from '../../token-store/token-store.js'
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
const CONFLICT = 'ERR_STORE_CONFLICT'

/** What a store without tombstones says; nothing is emulated and nothing changes. */
async function refusesTombstones({ create }: TokenStoreContractContext): Promise<void> {
  const store = await create([[serviceKey(), apiKey('unchanged')]])
  await rejectsWith(UNSUPPORTED, () => store.delete(serviceKey(), { tombstone: true }))
  await rejectsWith(UNSUPPORTED, () => store.delete(userKey('ann'), { tombstone: true }))
  if (store.tombstone !== undefined) {
    await rejectsWith(UNSUPPORTED, async () => store.tombstone?.(serviceKey()))
  }
  if (store.tombstones !== undefined) await rejectsWith(UNSUPPORTED, () => listTombstones(store))
  await assertStored(store, serviceKey(), apiKey('unchanged'))
}

function tombstoneCase(
  id: string,
  title: string,
  run: (context: TokenStoreContractContext) => Promise<void>,
): TokenStoreContractCase {
  return contractCase(id, title, async (context) => {
    const { tombstone } = (await context.create([])).capabilities
    await (tombstone ? run(context) : refusesTombstones(context))
  })
}

async function listTombstones(
  store: TokenStore,
  filter?: { readonly provider?: string },
): Promise<CredentialKey[]> {
  assert.ok(store.tombstones !== undefined, 'a store with tombstones lists them')
  const keys: CredentialKey[] = []
  for await (const key of store.tombstones(filter)) keys.push(key)
  return keys.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
}

/** Asserts that a key has a tombstone and is absent to everybody who does not ask for it. */
async function assertTombstone(store: TokenStore, key: CredentialKey): Promise<Tombstone> {
  assert.ok(store.tombstone !== undefined, 'a store with tombstones reads them')
  const tombstone = await store.tombstone(key)
  assert.ok(tombstone !== undefined, 'there is no tombstone')
  assert.ok(tombstone.version !== '')
  assert.ok(Number.isInteger(tombstone.deletedAt) && tombstone.deletedAt > 0)
  assert.equal(await store.get(key), undefined)
  const same = (each: CredentialKey) => JSON.stringify(each) === JSON.stringify(key)
  assert.ok(!(await listKeys(store)).some(same))
  assert.ok((await listTombstones(store)).some(same))
  return tombstone
}

async function assertNoTombstone(store: TokenStore, key: CredentialKey): Promise<void> {
  assert.equal(await store.tombstone?.(key), undefined)
  const same = (each: CredentialKey) => JSON.stringify(each) === JSON.stringify(key)
  assert.ok(!(await listTombstones(store)).some(same))
}

/** What stores promise about the marks of deliberate deletions. */
export const tombstoneCases: readonly TokenStoreContractCase[] = [
  tombstoneCase('TS50', 'leaves a tombstone that get and keys do not see', async ({ create }) => {
    const store = await create([[serviceKey(), apiKey('secret')]])
    await assertNoTombstone(store, serviceKey())
    assert.equal(await store.delete(serviceKey(), { tombstone: true }), true)
    const { version } = await assertTombstone(store, serviceKey())
    assert.equal((await store.tombstone?.(serviceKey()))?.version, version)
    assert.equal(await store.delete(serviceKey(), { tombstone: true }), false)
    await assertTombstone(store, serviceKey())
  }),

  tombstoneCase('TS51', 'leaves a tombstone where nothing was stored', async ({ create }) => {
    const store = await create([])
    assert.equal(await store.delete(userKey('ann'), { tombstone: true }), false)
    await assertTombstone(store, userKey('ann'))
    await assertNoTombstone(store, serviceKey())
  }),

  tombstoneCase('TS52', 'replaces a tombstone by a plain write', async ({ create }) => {
    const store = await create([])
    await store.delete(serviceKey(), { tombstone: true })
    await store.set(serviceKey(), apiKey('new'))
    await assertStored(store, serviceKey(), apiKey('new'))
    await assertNoTombstone(store, serviceKey())
    assert.deepEqual(await listKeys(store), [serviceKey()])
  }),

  tombstoneCase('TS53', 'removes a tombstone by a plain delete, as absence', async ({ create }) => {
    const store = await create([[serviceKey(), apiKey('secret')]])
    await store.delete(serviceKey(), { tombstone: true })
    assert.equal(await store.delete(serviceKey()), false)
    await assertNoTombstone(store, serviceKey())
    assert.equal(await store.get(serviceKey()), undefined)
  }),

  tombstoneCase('TS54', 'counts a tombstone as stored for conditions', async ({ create }) => {
    const store = await create([])
    // Without conditions there is nothing to decide; the cases of conditions check the refusal.
    if (!store.capabilities.compareAndSet) return
    const before = await store.set(serviceKey(), apiKey('secret'))
    await store.delete(serviceKey(), { tombstone: true })
    const { version } = await assertTombstone(store, serviceKey())
    const ifVersion = before.version

    await rejectsWith(CONFLICT, () => store.set(serviceKey(), apiKey('x'), { ifAbsent: true }))
    await rejectsWith(CONFLICT, () => store.set(serviceKey(), apiKey('x'), { ifVersion }))
    await rejectsWith(CONFLICT, () => store.delete(serviceKey(), { ifVersion }))
    assert.equal((await assertTombstone(store, serviceKey())).version, version)
    await store.set(serviceKey(), apiKey('new'), { ifVersion: version })
    await assertStored(store, serviceKey(), apiKey('new'))
    await assertNoTombstone(store, serviceKey())

    await store.delete(userKey('ann'), { tombstone: true })
    const other = await assertTombstone(store, userKey('ann'))
    assert.equal(await store.delete(userKey('ann'), { ifVersion: other.version }), false)
    await assertNoTombstone(store, userKey('ann'))
    await store.set(userKey('ann'), apiKey('first'), { ifAbsent: true })
  }),

  tombstoneCase('TS55', 'leaves one for the version named, and no other', async ({ create }) => {
    const store = await create([])
    if (!store.capabilities.compareAndSet) return
    const first = await store.set(serviceKey(), apiKey('first'))
    const second = await store.set(serviceKey(), apiKey('second'))
    await rejectsWith(CONFLICT, () =>
      store.delete(serviceKey(), { ifVersion: first.version, tombstone: true }),
    )
    await assertStored(store, serviceKey(), apiKey('second'))
    await assertNoTombstone(store, serviceKey())
    const deletion = { ifVersion: second.version, tombstone: true }
    assert.equal(await store.delete(serviceKey(), deletion), true)
    await assertTombstone(store, serviceKey())
  }),

  tombstoneCase('TS56', 'keeps tombstones of namespaces and owners apart', async ({ create }) => {
    const one = await create([[userKey('bc', 'a'), apiKey('of-one')]], { namespace: 'one' })
    const other = await create([[userKey('bc', 'a'), apiKey('of-other')]], {
      beside: one,
      namespace: 'other',
    })
    const replica = await create([], { beside: one, namespace: 'one' })
    await one.delete(userKey('bc', 'a'), { tombstone: true })
    await assertTombstone(replica, userKey('bc', 'a'))
    await assertStored(other, userKey('bc', 'a'), apiKey('of-other'))
    await assertNoTombstone(other, userKey('bc', 'a'))
    await assertNoTombstone(one, userKey('c', 'ab'))
    await assertNoTombstone(one, serviceKey())

    await one.delete(serviceKey('other'), { tombstone: true })
    assert.deepEqual(await listTombstones(one, { provider: 'other' }), [serviceKey('other')])
    assert.deepEqual(await listTombstones(one, { provider: 'absent' }), [])
    assert.equal((await listTombstones(one)).length, 2)
  }),

  tombstoneCase(
    'TS57',
    'refuses malformed keys and answers nothing after close',
    async (context) => {
      const store = await context.create([])
      await rejectsWith('ERR_STORE_INVALID', () => store.delete(userKey(''), { tombstone: true }))
      await rejectsWith('ERR_STORE_INVALID', async () => store.tombstone?.(userKey('ann\0')))
      await store.close()
      await rejectsWith('ERR_STORE_UNAVAILABLE', async () => store.tombstone?.(serviceKey()))
      await rejectsWith('ERR_STORE_UNAVAILABLE', () => listTombstones(store))
    },
  ),
]
