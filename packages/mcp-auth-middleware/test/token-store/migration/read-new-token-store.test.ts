import { describe, expect, it } from 'vitest'
import { StoreIntegrityError, StoreUnavailableError } from '../../../src/errors.js'
import { cachedTokenStore } from '../../../src/token-store/cached-token-store.js'
import {
  createMemoryStorage,
  memoryTokenStore,
} from '../../../src/token-store/memory-token-store.js'
import { readNewTokenStore } from '../../../src/token-store/migration/read-new-token-store.js'
import type { CredentialInput, TokenStore } from '../../../src/token-store/token-store.js'
import { serviceKey as key, userKey } from '../fake-store.js'
import { limitedStore } from './stepped-store.js'

const apiKey = (secret: string): CredentialInput => ({ kind: 'api-key', secret })
const down = () => Promise.reject(new StoreUnavailableError('down'))

async function setUp(options: { readThrough?: boolean; writeOld?: boolean } = {}) {
  const [old, fresh] = [memoryTokenStore(), memoryTokenStore()]
  await old.set(key, apiKey('first'))
  return { old, fresh, store: readNewTokenStore({ old, new: fresh, ...options }) }
}

const secretOf = async (store: TokenStore) => (await store.get(key))?.secret

describe('readNewTokenStore()', () => {
  it.each([
    ['reads', (store: TokenStore) => store.get(key)],
    ['deletes', (store: TokenStore) => store.delete(key)],
    ['creates', (store: TokenStore) => store.set(key, apiKey('x'), { ifAbsent: true })],
  ])('X41 is unavailable while the new store is, when it %s', async (_what, run) => {
    const { old, fresh } = await setUp()
    const store = readNewTokenStore({ old, new: { ...fresh, get: down } })
    await expect(run(store)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await secretOf(old)).toBe('first')
  })

  it('X41 does not read through damage, nor through a tombstone that cannot be read', async () => {
    const { old, fresh } = await setUp()
    const damaged = { ...fresh, get: () => Promise.reject(new StoreIntegrityError('damaged')) }
    const through = readNewTokenStore({ old, new: damaged, readThrough: true })
    await expect(through.get(key)).rejects.toMatchObject({ code: 'ERR_STORE_INTEGRITY' })
    const blind = readNewTokenStore({ old, new: { ...fresh, tombstone: down } })
    await expect(blind.get(key)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('is unavailable, not empty, while the old store is down that might have the key', async () => {
    const { old, fresh } = await setUp()
    const store = readNewTokenStore({ old: { ...old, get: down }, new: fresh })
    await expect(store.get(key)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await fresh.set(key, apiKey('second'))
    expect(await secretOf(store)).toBe('second')
  })

  it('passes the signal on and rejects with its reason', async () => {
    const { store } = await setUp()
    const reason = new Error('left')
    await expect(store.get(key, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('deletes what is damaged', async () => {
    const { old, fresh } = await setUp()
    const get = () => Promise.reject(new StoreIntegrityError('damaged'))
    const store = readNewTokenStore({ old, new: { ...fresh, get } })
    expect(await store.delete(key)).toBe(true)
    expect(await fresh.tombstone?.(key)).toBeDefined()
  })

  it('leaves no tombstone where neither store has anything', async () => {
    const { fresh, store } = await setUp()
    expect(await store.delete(userKey('ann'))).toBe(false)
    expect(await fresh.tombstone?.(userKey('ann'))).toBeUndefined()
  })

  it('takes an equal copy for the version that was read, and nothing else', async () => {
    const { fresh, store } = await setUp()
    const { version: ifVersion } = (await store.get(key)) ?? {}
    await fresh.set(key, apiKey('another'))
    for (const run of [
      () => store.set(key, apiKey('x'), { ifVersion }),
      () => store.delete(key, { ifVersion }),
    ]) {
      await expect(run()).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    }
    await fresh.set(key, apiKey('first'))
    expect(await store.delete(key, { ifVersion })).toBe(true)
    await expect(store.set(key, apiKey('x'), { ifVersion })).rejects.toMatchObject({
      code: 'ERR_STORE_CONFLICT',
    })
  })

  it('brings the old store up to date when asked', async () => {
    const { old, fresh, store } = await setUp({ writeOld: true })
    await store.set(key, apiKey('second'))
    expect([await secretOf(old), await secretOf(fresh)]).toEqual(['second', 'second'])
    await store.delete(key)
    expect([await secretOf(old), await secretOf(fresh)]).toEqual([undefined, undefined])

    const half = readNewTokenStore({ old: { ...old, set: down }, new: fresh, writeOld: true })
    await expect(half.set(key, apiKey('third'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: 'the new store was written, the old store was not',
    })
  })

  it('tells of changes in either store', async () => {
    const storages = [createMemoryStorage(), createMemoryStorage()] as const
    const open = (index: 0 | 1) => memoryTokenStore({ storage: storages[index] })
    const store = readNewTokenStore({ old: open(0), new: open(1) })
    let heard = 0
    const stop = store.watch?.(() => heard++)
    await open(0).set(key, apiKey('elsewhere'))
    await open(1).set(key, apiKey('elsewhere'))
    expect(heard).toBe(2)
    stop?.()
    await open(1).set(key, apiKey('later'))
    expect(heard).toBe(2)
  })

  it.each<[string, () => Parameters<typeof readNewTokenStore>[0]]>([
    [
      'a new store without tombstones',
      () => ({
        old: memoryTokenStore(),
        new: limitedStore(memoryTokenStore(), ['tombstone']),
      }),
    ],
    [
      'a read-only new store',
      () => ({ old: memoryTokenStore(), new: limitedStore(memoryTokenStore(), ['write']) }),
    ],
    [
      'a read-only old store that should be written',
      () => ({
        old: limitedStore(memoryTokenStore(), ['write', 'tombstone']),
        new: memoryTokenStore(),
        writeOld: true,
      }),
    ],
    [
      'a cache in the place of a store',
      () => ({ old: memoryTokenStore(), new: cachedTokenStore(memoryTokenStore()) }),
    ],
  ])('refuses %s', (_what, options) => {
    expect(() => readNewTokenStore(options())).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })
})
