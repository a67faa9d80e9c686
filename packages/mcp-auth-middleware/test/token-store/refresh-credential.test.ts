import { afterEach, describe, expect, it, vi } from 'vitest'
import { StoreUnavailableError } from '../../src/errors.js'
import type { Principal } from '../../src/principal.js'
import { cachedTokenStore } from '../../src/token-store/cached-token-store.js'
import { type CredentialsOptions, createCredentials } from '../../src/token-store/credentials.js'
import type { RefreshCredential } from '../../src/token-store/refresh-credential.js'
import type { CredentialInput } from '../../src/token-store/token-store.js'
import { createFakeStore, createGate, userKey } from './fake-store.js'

const NOW = 1_700_000_000
const key = userKey('ann')
const ann: Principal = {
  issuer: 'https://issuer.example',
  subject: 'ann',
  kind: 'user',
  scopes: [],
  claims: {},
}

interface Upstream {
  current: string
  refreshes: number
  misuses: number
  readonly hook: RefreshCredential
}

/** An upstream whose refresh tokens work once, and which remembers every misuse. */
function createUpstream(): Upstream {
  const upstream: Upstream = {
    current: 'refresh-0',
    refreshes: 0,
    misuses: 0,
    async hook(credential) {
      if (credential.refreshToken !== upstream.current) {
        upstream.misuses++
        return undefined
      }
      upstream.current = `refresh-${++upstream.refreshes}`
      return {
        kind: 'oauth2',
        secret: `access-${upstream.refreshes}`,
        refreshToken: upstream.current,
        expiresAt: NOW + 3600,
      }
    },
  }
  return upstream
}

async function setUp(secondsLeft: number, options: Partial<CredentialsOptions> = {}) {
  const now = () => NOW * 1000
  const store = createFakeStore(now)
  const upstream = createUpstream()
  const stored: CredentialInput = {
    kind: 'oauth2',
    secret: 'access-0',
    refreshToken: 'refresh-0',
    expiresAt: NOW + secondsLeft,
  }
  await store.memory.set(key, stored)
  const settings = { store, provider: 'coda', per: 'user', refresh: upstream.hook, now } as const
  const create = (more: Partial<CredentialsOptions> = {}) =>
    createCredentials({ ...settings, ...options, ...more })
  return { store, upstream, stored, create, coda: create() }
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('refresh of an expired credential', () => {
  it('X25 refreshes once for 100 parallel calls in two processes, and all succeed', async () => {
    const { store, upstream, create } = await setUp(-1)
    // Each process has a cache of its own in front of the shared store.
    const processes = [1, 2].map(() =>
      create({ store: cachedTokenStore(store, { now: () => NOW * 1000 }) }),
    )
    const calls = Array.from({ length: 100 }, (_, index) => processes[index % 2]?.for(ann))
    const secrets = (await Promise.all(calls)).map((each) => each?.secret)
    expect(new Set(secrets)).toEqual(new Set(['access-1']))
    expect(upstream).toMatchObject({ refreshes: 1, misuses: 0 })
    expect((await store.memory.get(key))?.refreshToken).toBe('refresh-1')
  })

  it('X25 refreshes once where no promise is shared', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const { store, upstream, create } = await setUp(-1)
    const lease = vi.fn(store.lease)
    const coda = create({ store: { ...store, lease } })
    const calls = Array.from({ length: 100 }, () => coda.for(ann))
    expect(new Set((await Promise.all(calls)).map((each) => each.secret)).size).toBe(1)
    expect(upstream).toMatchObject({ refreshes: 1, misuses: 0 })
    // Every call asked for the lease itself instead of waiting for the promise of another request.
    expect(lease.mock.calls.length).toBeGreaterThanOrEqual(100)
  })

  it.each([
    ['61 seconds before the end', 61, 0],
    ['60 seconds before the end', 60, 1],
    ['at the end', 0, 1],
  ])('%s', async (_what, secondsLeft, refreshes) => {
    const { upstream, coda } = await setUp(secondsLeft)
    expect((await coda.for(ann)).secret).toBe(`access-${refreshes}`)
    expect(upstream.refreshes).toBe(refreshes)
  })

  it('uses what another process stored instead of spending its own copy', async () => {
    const { store, upstream, create } = await setUp(-1)
    const cache = cachedTokenStore(store, { now: () => (NOW - 3600) * 1000 })
    await cache.get(key)
    await store.memory.set(key, {
      kind: 'oauth2',
      secret: 'by another process',
      refreshToken: 'refresh-9',
      expiresAt: NOW + 3600,
    })
    expect((await create({ store: cache }).for(ann)).secret).toBe('by another process')
    expect(upstream).toMatchObject({ refreshes: 0, misuses: 0 })
  })

  it('returns what a person stored during the refresh', async () => {
    const { store, create } = await setUp(-1)
    const coda = create({
      refresh: async () => {
        await store.memory.set(key, { kind: 'api-key', secret: 'connected again' })
        return { kind: 'oauth2', secret: 'late', refreshToken: 'late' }
      },
    })
    expect((await coda.for(ann)).secret).toBe('connected again')
  })

  it('X25 keeps a rotated refresh token that could not be written, and writes it later', async () => {
    vi.useFakeTimers()
    const { store, upstream, coda } = await setUp(-1)
    store.onSet = () => Promise.reject(new StoreUnavailableError('down'))
    const first = coda.for(ann).catch((error: unknown) => error)
    await vi.runAllTimersAsync()
    expect(await first).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    store.onSet = undefined
    expect((await coda.for(ann)).secret).toBe('access-1')
    expect(upstream).toMatchObject({ refreshes: 1, misuses: 0 })
    expect((await store.memory.get(key))?.refreshToken).toBe('refresh-1')
  })

  it('asks the caller to connect when the upstream says that the refresh token is spent', async () => {
    const { store, coda } = await setUp(-1, { refresh: async () => undefined })
    await expect(coda.for(ann)).rejects.toMatchObject({ code: 'ERR_CREDENTIAL_REQUIRED' })
    // What is stored stays: deleting it is the decision of a person.
    expect((await store.memory.get(key))?.secret).toBe('access-0')
  })

  it('takes a failing hook for an outage, and tries again', async () => {
    const { upstream, create } = await setUp(-1)
    let failures = 1
    const coda = create({
      refresh: (credential, context) =>
        failures-- > 0 ? Promise.reject(new Error('503')) : upstream.hook(credential, context),
    })
    await expect(coda.for(ann)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect((await coda.for(ann)).secret).toBe('access-1')
  })

  it('returns the old credential while it is valid and the refresh fails', async () => {
    const { coda } = await setUp(30, { refresh: () => Promise.reject(new Error('503')) })
    expect((await coda.for(ann)).secret).toBe('access-0')
  })

  it('returns the old credential while it is valid and another process refreshes', async () => {
    const { store, upstream, coda } = await setUp(30)
    expect(await store.lease?.(key, 30)).toBeDefined()
    expect((await coda.for(ann)).secret).toBe('access-0')
    expect(upstream.refreshes).toBe(0)
  })

  it('gives up after 35 seconds when another process never gives the lease back', async () => {
    vi.useFakeTimers()
    const { store, coda } = await setUp(-1)
    await store.lease?.(key, 300)
    const waiting = coda.for(ann).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(36_000)
    expect(await waiting).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('lets one caller leave without ending the refresh of the other', async () => {
    const { upstream, create } = await setUp(-1)
    const gate = createGate<void>()
    const coda = create({
      refresh: async (credential, context) => {
        await gate.promise
        return upstream.hook(credential, context)
      },
    })
    const controller = new AbortController()
    const leaving = coda.for(ann, { signal: controller.signal })
    const staying = coda.for(ann)
    const reason = new Error('left')
    const left = expect(leaving).rejects.toBe(reason)
    await vi.waitFor(() => controller.abort(reason))
    await left
    gate.resolve()
    expect((await staying).secret).toBe('access-1')
  })

  it('gives the lease back, also after a failure', async () => {
    const { store, coda } = await setUp(-1, { refresh: () => Promise.reject(new Error('503')) })
    await expect(coda.for(ann)).rejects.toThrow()
    expect(await store.lease?.(key, 30)).toBeDefined()
  })

  it.each([
    ['the store cannot lend leases', { write: true, compareAndSet: true, lease: false }],
    ['the store is read-only', { write: false, compareAndSet: false, lease: false }],
  ])('asks the caller to connect when %s', async (_what, capabilities) => {
    const { store, upstream, create } = await setUp(-1)
    const coda = create({
      store: { ...store, capabilities: { ...capabilities, tombstone: false } },
    })
    await expect(coda.for(ann)).rejects.toMatchObject({ code: 'ERR_CREDENTIAL_REQUIRED' })
    expect(upstream.refreshes).toBe(0)
  })

  it('refuses an unusable answer of the hook without storing it', async () => {
    const { store, coda } = await setUp(-1, {
      refresh: async () => ({ kind: 'oauth2', secret: '' }),
    })
    await expect(coda.for(ann)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID' })
    expect((await store.memory.get(key))?.secret).toBe('access-0')
  })
})
