import assert from 'node:assert/strict'
import type { TokenStore } from '../../token-store/token-store.js'
import {
  apiKey,
  contractCase,
  rejectsWith,
  serviceKey,
  type TokenStoreContractCase,
  type TokenStoreContractContext,
  userKey,
} from './context.js'
import { UNSUPPORTED } from './write-case.js'

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

/** What stores with leases promise; the others have none or refuse. */
export const leaseCases: readonly TokenStoreContractCase[] = [
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
