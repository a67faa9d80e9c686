import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { StoreIntegrityError, StoreUnavailableError } from '../../src/errors.js'
import {
  type CachedTokenStoreOptions,
  cachedTokenStore,
} from '../../src/token-store/cached-token-store.js'
import { credentialKeyId } from '../../src/token-store/credential-key.js'
import type {
  Credential,
  CredentialInput,
  CredentialKey,
} from '../../src/token-store/token-store.js'
import { createFakeStore, createGate, serviceKey, userKey } from './fake-store.js'

const apiKey = (secret: string): CredentialInput => ({ kind: 'api-key', secret })

function setUp(options: CachedTokenStoreOptions = {}) {
  const clock = { time: 1_700_000_000_000 }
  const now = () => clock.time
  const store = createFakeStore(now)
  return { store, cache: cachedTokenStore(store, { now, ...options }), clock }
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('cachedTokenStore()', () => {
  it('reads the store once within the ttl and again when it has passed', async () => {
    const { store, cache, clock } = setUp({ ttlSeconds: 60 })
    await store.memory.set(serviceKey, apiKey('first'))
    expect((await cache.get(serviceKey))?.secret).toBe('first')
    await store.memory.set(serviceKey, apiKey('second'))
    clock.time += 59_999
    expect((await cache.get(serviceKey))?.secret).toBe('first')
    expect(store.reads).toBe(1)
    clock.time += 1
    expect((await cache.get(serviceKey))?.secret).toBe('second')
    expect(store.reads).toBe(2)
  })

  it('X34 forgets absence after 5 seconds and at once when the credential is written here', async () => {
    const { store, cache, clock } = setUp()
    expect(await cache.get(serviceKey)).toBeUndefined()
    await store.memory.set(serviceKey, apiKey('by another process'))
    clock.time += 4999
    expect(await cache.get(serviceKey)).toBeUndefined()
    clock.time += 1
    expect((await cache.get(serviceKey))?.secret).toBe('by another process')

    expect(await cache.get(userKey('ann'))).toBeUndefined()
    await cache.set(userKey('ann'), apiKey('by this process'))
    expect((await cache.get(userKey('ann')))?.secret).toBe('by this process')
  })

  it('X34 shows own writes and deletes at once, and no credential of another tenant', async () => {
    const { cache } = setUp()
    await cache.set(userKey('bc', 'a'), apiKey('first'))
    expect((await cache.get(userKey('bc', 'a')))?.secret).toBe('first')
    expect(await cache.get(userKey('c', 'ab'))).toBeUndefined()
    expect(await cache.get(serviceKey)).toBeUndefined()
    await cache.set(userKey('bc', 'a'), apiKey('second'))
    expect((await cache.get(userKey('bc', 'a')))?.secret).toBe('second')
    expect(await cache.delete(userKey('bc', 'a'))).toBe(true)
    expect(await cache.get(userKey('bc', 'a'))).toBeUndefined()
  })

  it('shares one read among parallel readers of a key, not across keys', async () => {
    const { store, cache } = setUp()
    await store.memory.set(serviceKey, apiKey('secret'))
    const found = await Promise.all(Array.from({ length: 100 }, () => cache.get(serviceKey)))
    expect(new Set(found.map((each) => each?.secret))).toEqual(new Set(['secret']))
    expect(store.reads).toBe(1)
    await Promise.all([cache.get(userKey('ann')), cache.get(userKey('bob'))])
    expect(store.reads).toBe(3)
  })

  it('shares no read on Workers', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const { store, cache } = setUp()
    await Promise.all([cache.get(serviceKey), cache.get(serviceKey)])
    expect(store.reads).toBe(2)
  })

  it('does not let a read that began before a write bring the old value back', async () => {
    const { store, cache } = setUp()
    const old = await store.memory.set(serviceKey, apiKey('old'))
    const gate = createGate<Credential | undefined>()
    store.onGet = () => gate.promise
    const early = cache.get(serviceKey)
    store.onGet = undefined
    await cache.set(serviceKey, apiKey('new'))
    gate.resolve(old)
    expect((await early)?.secret).toBe('old')
    expect((await cache.get(serviceKey))?.secret).toBe('new')
  })

  it('does not let a read that began during a delete bring the old value back', async () => {
    const { store, cache } = setUp()
    const old = await store.memory.set(serviceKey, apiKey('old'))
    const gate = createGate<Credential | undefined>()
    const deletion = cache.delete(serviceKey)
    store.onGet = () => gate.promise
    const during = cache.get(serviceKey)
    store.onGet = undefined
    await deletion
    gate.resolve(old)
    await during
    expect(await cache.get(serviceKey)).toBeUndefined()
  })

  it('asks the store after two overlapping writes', async () => {
    const { store, cache } = setUp()
    const gate = createGate<void>()
    store.onSet = () => gate.promise
    const slow = cache.set(serviceKey, apiKey('slow'))
    store.onSet = undefined
    await cache.set(serviceKey, apiKey('fast'))
    gate.resolve()
    await slow
    expect((await cache.get(serviceKey))?.secret).toBe('slow')
    expect(store.reads).toBe(1)
  })

  it('forgets a key whose write failed, since it may have been made', async () => {
    const { store, cache } = setUp()
    await cache.set(serviceKey, apiKey('old'))
    await cache.get(serviceKey)
    store.onSet = async () => {
      await store.memory.set(serviceKey, apiKey('arrived'))
      throw new StoreUnavailableError('no answer')
    }
    await expect(cache.set(serviceKey, apiKey('arrived'))).rejects.toThrow(StoreUnavailableError)
    expect((await cache.get(serviceKey))?.secret).toBe('arrived')
  })

  it('asks the store for what must be younger, and forgets what that answer proves wrong', async () => {
    const { store, cache, clock } = setUp({ ttlSeconds: 60 })
    await store.memory.set(serviceKey, apiKey('first'))
    await cache.get(serviceKey)
    clock.time += 2_000
    expect((await cache.get(serviceKey, { maxAgeSeconds: 3 }))?.secret).toBe('first')
    expect(store.reads).toBe(1)
    await store.memory.set(serviceKey, apiKey('second'))
    expect((await cache.get(serviceKey, { maxAgeSeconds: 2 }))?.secret).toBe('second')
    expect((await cache.get(serviceKey))?.secret).toBe('second')
  })

  it('caches no error', async () => {
    const { store, cache } = setUp()
    await store.memory.set(serviceKey, apiKey('secret'))
    store.onGet = async () => {
      throw new StoreUnavailableError('down')
    }
    await expect(cache.get(serviceKey)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    store.onGet = undefined
    expect((await cache.get(serviceKey))?.secret).toBe('secret')
  })

  it('serves nothing after the expiresAt of the credential', async () => {
    const { store, cache, clock } = setUp({ serveStaleSeconds: 600 })
    const expiresAt = clock.time / 1000 + 10
    await store.memory.set(serviceKey, { kind: 'oauth2', secret: 'short', expiresAt })
    await cache.get(serviceKey)
    clock.time += 9999
    await cache.get(serviceKey)
    expect(store.reads).toBe(1)
    clock.time += 1
    store.onGet = async () => {
      throw new StoreUnavailableError('down')
    }
    await expect(cache.get(serviceKey)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('lets one reader abort without disturbing the other', async () => {
    const { store, cache } = setUp()
    const value = await store.memory.set(serviceKey, apiKey('secret'))
    const gate = createGate<Credential | undefined>()
    store.onGet = () => gate.promise
    const controller = new AbortController()
    const leaving = cache.get(serviceKey, { signal: controller.signal })
    const staying = cache.get(serviceKey)
    const reason = new Error('left')
    controller.abort(reason)
    await expect(leaving).rejects.toBe(reason)
    expect(store.signals[0]?.aborted).toBe(false)
    gate.resolve(value)
    expect((await staying)?.secret).toBe('secret')
    expect(store.reads).toBe(1)
  })

  it('aborts the read of the store when its last reader has left, and starts a new one', async () => {
    const { store, cache } = setUp()
    await store.memory.set(serviceKey, apiKey('secret'))
    store.onGet = () => createGate<Credential | undefined>().promise
    const controller = new AbortController()
    const leaving = cache.get(serviceKey, { signal: controller.signal })
    controller.abort()
    await expect(leaving).rejects.toThrow()
    expect(store.signals[0]?.aborted).toBe(true)
    store.onGet = undefined
    expect((await cache.get(serviceKey))?.secret).toBe('secret')
  })

  it('rejects an aborted signal also when the credential is cached', async () => {
    const { cache } = setUp()
    await cache.set(serviceKey, apiKey('secret'))
    const reason = new Error('left')
    await expect(cache.get(serviceKey, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('holds no more than maxEntries', async () => {
    const { store, cache } = setUp({ maxEntries: 2 })
    for (const subject of ['ann', 'bob', 'eve']) await cache.get(userKey(subject))
    await cache.get(userKey('eve'))
    expect(store.reads).toBe(3)
    await cache.get(userKey('ann'))
    expect(store.reads).toBe(4)
  })

  it('invalidates one key or all of them, and what is being read', async () => {
    const { store, cache } = setUp()
    const old = await store.memory.set(serviceKey, apiKey('old'))
    await cache.get(serviceKey)
    await cache.get(userKey('ann'))
    cache.invalidate(serviceKey)
    expect(cache.peek(serviceKey)).toBeUndefined()
    await cache.get(userKey('ann'))
    expect(store.reads).toBe(2)

    const gate = createGate<Credential | undefined>()
    store.onGet = () => gate.promise
    const early = cache.get(serviceKey)
    store.onGet = undefined
    await store.memory.set(serviceKey, apiKey('new'))
    cache.invalidate()
    gate.resolve(old)
    await early
    expect((await cache.get(serviceKey))?.secret).toBe('new')
  })

  it('peeks at what may be served and at nothing else', async () => {
    const { cache, clock } = setUp({ ttlSeconds: 60 })
    expect(cache.peek(serviceKey)).toBeUndefined()
    await cache.set(serviceKey, apiKey('secret'))
    expect(cache.peek(serviceKey)?.secret).toBe('secret')
    clock.time += 60_000
    expect(cache.peek(serviceKey)).toBeUndefined()
  })

  it('passes leases on, and has none where the store has none', async () => {
    const { store, cache } = setUp()
    expect(await cache.lease?.(serviceKey, 30)).toBeDefined()
    expect(await store.lease?.(serviceKey, 30)).toBeUndefined()
    const { lease: _lease, ...without } = store
    expect(cachedTokenStore(without).lease).toBeUndefined()
  })

  it.each([
    ['an unknown option', { ttl: 5 }],
    ['a negative ttl', { ttlSeconds: -1 }],
    ['a negative ttl above 5', { negativeTtlSeconds: 5.1 }],
    ['no entries', { maxEntries: 0 }],
    ['a clock that is no function', { now: 5 }],
  ])('refuses %s', (_what, options) => {
    expect(() => cachedTokenStore(createFakeStore(), options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })
})

describe('cachedTokenStore() with serveStaleSeconds', () => {
  const unavailable = async () => {
    throw new StoreUnavailableError('down')
  }

  it('serves stale during an outage, asks again every second and stops in time', async () => {
    const { store, cache, clock } = setUp({ ttlSeconds: 60, serveStaleSeconds: 30 })
    await cache.set(serviceKey, apiKey('secret'))
    store.onGet = unavailable
    clock.time += 60_000
    expect((await cache.get(serviceKey))?.secret).toBe('secret')
    expect((await cache.get(serviceKey))?.secret).toBe('secret')
    expect(store.reads).toBe(1)
    clock.time += 1000
    expect((await cache.get(serviceKey))?.secret).toBe('secret')
    expect(store.reads).toBe(2)
    clock.time += 29_000
    await expect(cache.get(serviceKey)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('is off by default', async () => {
    const { store, cache, clock } = setUp()
    await cache.set(serviceKey, apiKey('secret'))
    store.onGet = unavailable
    clock.time += 60_000
    await expect(cache.get(serviceKey)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it.each([
    ['a damaged value', async () => Promise.reject(new StoreIntegrityError('damaged'))],
    ['any other error', async () => Promise.reject(new Error('bug'))],
  ])('does not hide %s', async (_what, onGet) => {
    const { store, cache, clock } = setUp({ serveStaleSeconds: 600 })
    await cache.set(serviceKey, apiKey('secret'))
    clock.time += 60_000
    store.onGet = onGet
    await expect(cache.get(serviceKey)).rejects.toThrow(/damaged|bug/)
  })

  it('does not serve what was deleted, nor absence', async () => {
    const { store, cache, clock } = setUp({ serveStaleSeconds: 600 })
    await cache.set(serviceKey, apiKey('secret'))
    await cache.delete(serviceKey)
    await cache.get(userKey('ann'))
    store.onGet = unavailable
    clock.time += 60_000
    await expect(cache.get(serviceKey)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(cache.get(userKey('ann'))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('does not serve what was replaced while the store was asked', async () => {
    const { store, cache, clock } = setUp({ ttlSeconds: 60, serveStaleSeconds: 600 })
    await cache.set(serviceKey, apiKey('old'))
    clock.time += 60_000
    const gate = createGate<Credential | undefined>()
    store.onGet = () => gate.promise
    const early = cache.get(serviceKey)
    store.onGet = undefined
    await cache.set(serviceKey, apiKey('new'))
    gate.reject(new StoreUnavailableError('down'))
    await expect(early).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect((await cache.get(serviceKey))?.secret).toBe('new')
  })

  it('waits a second for a mute store, not longer', async () => {
    const { store, cache, clock } = setUp({ serveStaleSeconds: 600 })
    await cache.set(serviceKey, apiKey('secret'))
    clock.time += 60_000
    vi.useFakeTimers()
    store.onGet = () => createGate<Credential | undefined>().promise
    const waiting = cache.get(serviceKey)
    await vi.advanceTimersByTimeAsync(1000)
    expect((await waiting)?.secret).toBe('secret')
  })
})

describe('cachedTokenStore() over a store that tells of changes', () => {
  function watchable(options: CachedTokenStoreOptions = {}) {
    const { store, clock } = setUp()
    const listeners = new Set<(digest: string | undefined) => void>()
    const told = {
      ...store,
      get: (...given: Parameters<typeof store.get>) => store.get(...given),
      subscriptions: 0,
      watch(onChange: (digest: string | undefined) => void) {
        told.subscriptions++
        listeners.add(onChange)
        return () => listeners.delete(onChange)
      },
    }
    const tell = (key?: CredentialKey) => {
      const digest = key && createHash('sha256').update(credentialKeyId(key)).digest('base64url')
      for (const listener of listeners) listener(digest)
    }
    const cache = cachedTokenStore(told, { now: () => clock.time, ...options })
    return { store, told, listeners, tell, cache, clock }
  }

  it('subscribes at the first read, once, and no longer after close', async () => {
    const { told, listeners, cache } = watchable()
    expect(told.subscriptions).toBe(0)
    await cache.get(serviceKey)
    await cache.get(userKey('ann'))
    expect(told.subscriptions).toBe(1)
    await cache.close()
    expect(listeners.size).toBe(0)
  })

  it('forgets the key that changed and no other', async () => {
    const { store, tell, cache } = watchable()
    await store.memory.set(serviceKey, apiKey('old'))
    await cache.get(serviceKey)
    await cache.get(userKey('ann'))
    await store.memory.set(serviceKey, apiKey('new'))
    tell(serviceKey)
    expect((await cache.get(serviceKey))?.secret).toBe('new')
    await cache.get(userKey('ann'))
    expect(store.reads).toBe(3)
    // What nobody has cached is nobody's business.
    tell(userKey('bob'))
    await cache.get(serviceKey)
    expect(store.reads).toBe(3)
  })

  it('forgets everything when anything may have changed', async () => {
    const { store, tell, cache } = watchable()
    await cache.set(serviceKey, apiKey('old'))
    await cache.get(userKey('ann'))
    tell()
    await cache.get(serviceKey)
    await cache.get(userKey('ann'))
    expect(store.reads).toBe(3)
  })

  it('does not cache what was read before the change was told', async () => {
    const { store, tell, cache } = watchable()
    const old = await store.memory.set(serviceKey, apiKey('old'))
    const gate = createGate<Credential | undefined>()
    store.onGet = () => gate.promise
    const early = cache.get(serviceKey)
    store.onGet = undefined
    await store.memory.set(serviceKey, apiKey('new'))
    tell(serviceKey)
    gate.resolve(old)
    await early
    expect((await cache.get(serviceKey))?.secret).toBe('new')
  })

  it('still hears of a key that was read again, served stale or written here', async () => {
    const { store, tell, cache, clock } = watchable({ ttlSeconds: 60, serveStaleSeconds: 600 })
    await cache.set(serviceKey, apiKey('first'))
    clock.time += 60_000
    await cache.get(serviceKey)
    clock.time += 60_000
    store.onGet = async () => {
      throw new StoreUnavailableError('down')
    }
    expect((await cache.get(serviceKey))?.secret).toBe('first')
    store.onGet = undefined
    await store.memory.set(serviceKey, apiKey('second'))
    tell(serviceKey)
    expect((await cache.get(serviceKey))?.secret).toBe('second')
  })

  it('hears of a key again that was evicted and came back', async () => {
    const { store, tell, cache } = watchable({ maxEntries: 1 })
    await cache.set(serviceKey, apiKey('first'))
    await cache.get(userKey('ann'))
    await cache.get(serviceKey)
    await store.memory.set(serviceKey, apiKey('second'))
    tell(serviceKey)
    expect((await cache.get(serviceKey))?.secret).toBe('second')
  })

  it('works where digests are computed asynchronously', async () => {
    vi.resetModules()
    vi.stubGlobal('process', { ...process, getBuiltinModule: () => undefined })
    const { cachedTokenStore: create } = await import('../../src/token-store/cached-token-store.js')
    const { told, store, tell } = watchable()
    const cache = create(told)
    await cache.set(serviceKey, apiKey('first'))
    expect((await cache.get(serviceKey))?.secret).toBe('first')
    await store.memory.set(serviceKey, apiKey('second'))
    tell(serviceKey)
    expect((await cache.get(serviceKey))?.secret).toBe('second')
    expect(store.reads).toBe(1)
  })

  it('passes tombstones and changes on', async () => {
    const { told, tell, cache } = watchable()
    const heard: (string | undefined)[] = []
    const stop = cache.watch?.((digest) => heard.push(digest))
    tell()
    stop?.()
    tell()
    expect(heard).toEqual([undefined])

    await cache.set(serviceKey, apiKey('secret'))
    await cache.delete(serviceKey, { tombstone: true })
    expect(await cache.get(serviceKey)).toBeUndefined()
    expect(await cache.tombstone?.(serviceKey)).toEqual(await told.tombstone?.(serviceKey))
    const { tombstone: _tombstone, tombstones: _tombstones, watch: _watch, ...without } = told
    const bare = cachedTokenStore(without)
    expect([bare.tombstone, bare.tombstones, bare.watch]).toEqual([undefined, undefined, undefined])
  })
})
