import assert from 'node:assert/strict'
import {
  apiKey,
  assertStored,
  contractCase,
  rejectsWith,
  serviceKey,
  type TokenStoreContractCase,
  type TokenStoreContractContext,
  userKey,
} from './context.js'

/** Code of what a store says about a capability that it lacks. */
export const UNSUPPORTED = 'ERR_STORE_UNSUPPORTED'

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
export function writeCase(
  id: string,
  title: string,
  run: (context: TokenStoreContractContext) => Promise<void>,
): TokenStoreContractCase {
  return contractCase(id, title, async (context) => {
    const { write } = (await context.create([])).capabilities
    await (write ? run(context) : refusesWrites(context))
  })
}
