import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InfisicalTokenStoreOptions } from '../src/index.js'
import { type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'
import { apiKey, FOLDER, rejectionOf, serviceKey, storeOver, until, userKey } from './support.js'

let fake: FakeInfisical
let clock: { time: number }

beforeEach(async () => {
  fake = await startFakeInfisical()
  clock = { time: Date.now() }
  fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-first')
})
afterEach(() => fake.close())

function cachedStore(options: Partial<InfisicalTokenStoreOptions> = {}) {
  return storeOver(fake, { listTtlSeconds: 60, now: () => clock.time, ...options })
}

describe('reads from a listing', () => {
  it('asks once for all credentials of the folder', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => userKey(`user-${index}`))
    const writer = storeOver(fake)
    for (const key of keys) await writer.set(key, apiKey('canary'))
    fake.requests.length = 0
    const store = cachedStore()
    await Promise.all([...keys, ...keys].map((key) => store.get(key)))
    for (const key of keys) expect((await store.get(key))?.secret).toBe('canary')
    expect(fake.count('listSecrets')).toBe(1)
    expect(fake.count('getSecret')).toBe(0)
  })

  it('does not ask at every read when the time is 0', async () => {
    const store = cachedStore({ listTtlSeconds: 0 })
    for (let read = 0; read < 3; read++) await store.get(serviceKey())
    expect(fake.count('getSecret')).toBe(3)
    expect(fake.count('listSecrets')).toBe(0)
  })

  it('X34 sees a change of others within the time, and not before', async () => {
    const store = cachedStore()
    await store.get(serviceKey())
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-second')
    clock.time += 59_999
    expect((await store.get(serviceKey()))?.secret).toBe('canary-first')
    clock.time += 1
    expect((await store.get(serviceKey()))?.secret).toBe('canary-second')
  })

  it('X34 believes absence for 5 s at most', async () => {
    const store = cachedStore()
    expect(await store.get(userKey('ann'))).toBeUndefined()
    await storeOver(fake).set(userKey('ann'), apiKey('canary-ann'))
    clock.time += 4999
    expect(await store.get(userKey('ann'))).toBeUndefined()
    clock.time += 1
    expect((await store.get(userKey('ann')))?.secret).toBe('canary-ann')
  })

  it('bounds what reads of unknown users cost', async () => {
    const store = cachedStore()
    for (let read = 0; read < 100; read++) {
      await store.get(userKey(`user-${read}`))
      clock.time += 100
    }
    expect(fake.count('listSecrets')).toBeLessThanOrEqual(3)
    expect(fake.count('getSecret')).toBe(0)
  })

  it('X34 shows its own writes and deletes at once', async () => {
    const store = cachedStore()
    await store.get(serviceKey())
    await store.set(serviceKey(), apiKey('canary-own'))
    expect((await store.get(serviceKey()))?.secret).toBe('canary-own')
    await store.delete(serviceKey())
    expect(await store.get(serviceKey())).toBeUndefined()
    await store.set(serviceKey(), apiKey('canary-again'))
    expect((await store.get(serviceKey()))?.secret).toBe('canary-again')
    await store.delete(serviceKey(), { tombstone: true })
    expect(await store.get(serviceKey())).toBeUndefined()
    expect(await store.tombstone?.(serviceKey())).toBeDefined()
    expect(fake.count('listSecrets')).toBe(1)
  })

  it('X34 gives nobody the credential of another owner', async () => {
    const store = cachedStore()
    await store.set(userKey('ann'), apiKey('canary-ann'))
    await store.refresh()
    expect(await store.get(userKey('bob'))).toBeUndefined()
    expect((await store.get(userKey('ann')))?.secret).toBe('canary-ann')
    expect((await store.get(serviceKey()))?.secret).toBe('canary-first')
  })

  it('sees what was changed elsewhere after refresh()', async () => {
    const store = cachedStore()
    await store.get(serviceKey())
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-second')
    await store.refresh()
    expect((await store.get(serviceKey()))?.secret).toBe('canary-second')
  })

  it('does not let a listing that began before a write hide it', async () => {
    const store = cachedStore()
    await store.get(serviceKey())
    // The answer is made before the write and arrives after it.
    fake.faults.next('stall-body', 'listSecrets')
    const listing = store.refresh()
    await until(() => fake.faults.stalled === 1)
    await store.set(serviceKey(), apiKey('canary-own'))
    fake.faults.release()
    await listing
    expect((await store.get(serviceKey()))?.secret).toBe('canary-own')
  })

  it('does not let a read that began before a write hide it', async () => {
    const store = cachedStore({ serveStaleSeconds: 60, listTtlSeconds: 0 })
    fake.faults.next('stall-body', 'getSecret')
    const reading = store.get(serviceKey())
    await until(() => fake.faults.stalled === 1)
    await store.set(serviceKey(), apiKey('canary-own'))
    fake.faults.release()
    expect((await reading)?.secret).toBe('canary-first')
    fake.faults.always('server-error')
    expect((await store.get(serviceKey()))?.secret).toBe('canary-own')
  })

  it('asks again for a credential whose write failed', async () => {
    const store = cachedStore()
    await store.get(serviceKey())
    fake.faults.next('approval', 'updateSecret')
    await rejectionOf(store.set(serviceKey(), apiKey('canary-own')))
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-second')
    expect((await store.get(serviceKey()))?.secret).toBe('canary-second')
    expect(fake.count('getSecret')).toBe(1)
    // Others are served as before.
    await store.get(userKey('nobody'))
    expect(fake.count('listSecrets')).toBe(1)
  })

  it('never serves a stale credential after a write of its own that may have been made', async () => {
    const store = cachedStore({ serveStaleSeconds: 600 })
    await store.get(serviceKey())
    fake.faults.always('server-error')
    await rejectionOf(store.set(serviceKey(), apiKey('canary-own')))
    expect(await rejectionOf(store.get(serviceKey()))).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })

  it('takes everything for old when the clock was set back', async () => {
    const store = cachedStore()
    await store.get(serviceKey())
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-second')
    clock.time -= 1
    expect((await store.get(serviceKey()))?.secret).toBe('canary-second')
  })

  it('lists keys as they are now', async () => {
    const store = cachedStore()
    await store.get(serviceKey())
    await storeOver(fake).set(userKey('ann'), apiKey('canary'))
    const keys: unknown[] = []
    for await (const key of store.keys()) keys.push(key)
    expect(keys).toHaveLength(2)
  })

  it('keeps version and time of a bare key from one listing to the next', async () => {
    const store = cachedStore()
    const before = await store.get(serviceKey())
    clock.time += 60_000
    const after = await store.get(serviceKey())
    expect(after).not.toBe(before)
    expect([after?.version, after?.updatedAt]).toEqual([before?.version, before?.updatedAt])
  })
})
