import { describe, expect, it } from 'vitest'
import { StoreUnavailableError } from '../../../src/errors.js'
import { cachedTokenStore } from '../../../src/token-store/cached-token-store.js'
import { memoryTokenStore } from '../../../src/token-store/memory-token-store.js'
import { dualWriteTokenStore } from '../../../src/token-store/migration/dual-write-token-store.js'
import type { CredentialInput, TokenStore } from '../../../src/token-store/token-store.js'
import { serviceKey as key } from '../fake-store.js'
import { limitedStore, steppedStore } from './stepped-store.js'

const apiKey = (secret: string): CredentialInput => ({ kind: 'api-key', secret })

function setUp(down: { value: boolean } = { value: false }) {
  const [old, fresh] = [memoryTokenStore(), memoryTokenStore()]
  const before = () => {
    if (down.value) throw new StoreUnavailableError('down')
  }
  const store = dualWriteTokenStore({ old, new: steppedStore(fresh, { before }) })
  return { old, fresh, store, down }
}

const secretOf = async (store: TokenStore) => (await store.get(key))?.secret

describe('dualWriteTokenStore()', () => {
  it('reads, lists and versions by the old store', async () => {
    const { old, fresh, store } = setUp()
    await old.set(key, apiKey('only old'))
    await fresh.set({ provider: 'other', owner: { kind: 'service' } }, apiKey('only new'))
    expect(await secretOf(store)).toBe('only old')
    const keys: unknown[] = []
    for await (const each of store.keys()) keys.push(each)
    expect(keys).toEqual([key])
    const written = await store.set(key, apiKey('second'))
    expect((await old.get(key))?.version).toBe(written.version)
    expect((await fresh.get(key))?.version).not.toBe(written.version)
  })

  it('rejects a write that reached the old store only, and repairs it at the next attempt', async () => {
    const { old, fresh, store, down } = setUp()
    const { version: ifVersion } = await store.set(key, apiKey('first'))
    down.value = true
    const write = () => store.set(key, apiKey('second'), { ifVersion })
    await expect(write()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await secretOf(old)).toBe('second')
    // The same attempt again meets its own first half; a caller takes the conflict for success.
    await expect(write()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    down.value = false
    await expect(write()).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    expect(await secretOf(fresh)).toBe('second')
  })

  it('shows no secret in the error of a half-made write', async () => {
    const { store, down } = setUp()
    down.value = true
    const error = await store.set(key, apiKey('canary-secret')).catch((each: unknown) => each)
    expect(String(error)).toContain('the old store was written')
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('canary')
  })

  it('rejects a delete that reached the old store only, and remembers it there', async () => {
    const { old, fresh, store, down } = setUp()
    await store.set(key, apiKey('first'))
    down.value = true
    await expect(store.delete(key)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await old.tombstone?.(key)).toBeDefined()
    expect(await secretOf(fresh)).toBe('first')
    down.value = false
    expect(await store.delete(key)).toBe(false)
    expect(await old.tombstone?.(key)).toBeUndefined()
    expect(await secretOf(fresh)).toBeUndefined()
  })

  it('hides a tombstone that a dead process left in the old store', async () => {
    const { old, fresh, store } = setUp()
    const { version } = await old.set(key, apiKey('first'))
    await old.delete(key, { tombstone: true })
    expect(await store.delete(key, { ifVersion: version })).toBe(false)
    await old.delete(key, { tombstone: true })
    await store.set(key, apiKey('second'), { ifAbsent: true })
    expect([await secretOf(old), await secretOf(fresh)]).toEqual(['second', 'second'])
    await expect(store.set(key, apiKey('third'), { ifAbsent: true })).rejects.toMatchObject({
      code: 'ERR_STORE_CONFLICT',
    })
  })

  it('lends a lease of both stores, or of none', async () => {
    const { old, fresh, store } = setUp()
    const held = await fresh.lease?.(key, 30)
    expect(await store.lease?.(key, 30)).toBeUndefined()
    // The lease of the old store was given back.
    const other = await old.lease?.(key, 30)
    expect(other).toBeDefined()
    await held?.release()
    await other?.release()
    const both = await store.lease?.(key, 30)
    expect(await old.lease?.(key, 30)).toBeUndefined()
    expect(await fresh.lease?.(key, 30)).toBeUndefined()
    await both?.release()
    expect(await fresh.lease?.(key, 30)).toBeDefined()
  })

  it('closes and checks both stores', async () => {
    const { old, fresh, store } = setUp()
    await fresh.close()
    await expect(store.check()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await store.close()
    await expect(old.check()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('refuses conditions when the old store decides none', async () => {
    const old = limitedStore(memoryTokenStore(), ['ifVersion'])
    const store = dualWriteTokenStore({ old, new: memoryTokenStore() })
    expect(store.capabilities.compareAndSet).toBe(false)
    await expect(store.set(key, apiKey('x'), { ifAbsent: true })).rejects.toMatchObject({
      code: 'ERR_STORE_UNSUPPORTED',
    })
    expect(await old.get(key)).toBeUndefined()
  })

  it.each<[string, () => TokenStore, () => TokenStore]>([
    [
      'a read-only old store',
      () => limitedStore(memoryTokenStore(), ['write', 'tombstone']),
      memoryTokenStore,
    ],
    [
      'a read-only new store',
      memoryTokenStore,
      () => limitedStore(memoryTokenStore(), ['write', 'tombstone']),
    ],
    ['a cached old store', () => cachedTokenStore(memoryTokenStore()), memoryTokenStore],
    ['a cached new store', memoryTokenStore, () => cachedTokenStore(memoryTokenStore())],
  ])('refuses %s', (_what, createOld, createNew) => {
    expect(() => dualWriteTokenStore({ old: createOld(), new: createNew() })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })
})
