import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type CredentialRequiredError,
  StoreIntegrityError,
  StoreUnavailableError,
} from '../../src/errors.js'
import type { Principal } from '../../src/principal.js'
import { createAuthInfo } from '../../src/resource-server/auth-info.js'
import type { CredentialAuditEvent } from '../../src/token-store/audit.js'
import { cachedTokenStore } from '../../src/token-store/cached-token-store.js'
import { type CredentialsOptions, createCredentials } from '../../src/token-store/credentials.js'
import type { Credential } from '../../src/token-store/token-store.js'
import { createFakeStore, createGate, serviceKey, userKey } from './fake-store.js'

const ann: Principal = {
  issuer: 'https://issuer.example',
  subject: 'ann',
  kind: 'user',
  clientId: 'client-1',
  scopes: [],
  claims: {},
}

function setUp(options: Partial<CredentialsOptions> = {}) {
  const store = createFakeStore()
  return {
    store,
    coda: createCredentials({ store, provider: 'coda', per: 'user', ...options }),
  }
}

function authInfo(principal: Principal) {
  return createAuthInfo('canary-token', principal, 'https://mcp.example/mcp', undefined)
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('for()', () => {
  it('finds the credential of this caller, by auth info or by principal', async () => {
    const { store, coda } = setUp()
    await store.set(userKey('ann'), { kind: 'api-key', secret: "ann's" })
    expect((await coda.for(authInfo(ann))).secret).toBe("ann's")
    expect((await coda.for(ann)).secret).toBe("ann's")
  })

  it('never finds the credential of another caller, of the service, or the own token', async () => {
    const { store, coda } = setUp({ connectUrl: 'https://mcp.example/account' })
    await store.set(serviceKey, { kind: 'api-key', secret: 'of the service' })
    await store.set(userKey('bob'), { kind: 'api-key', secret: "bob's" })
    await store.set(userKey('ann', 'https://other.example'), {
      kind: 'api-key',
      secret: 'other ann',
    })
    const error = await coda.for(authInfo(ann)).catch((thrown: CredentialRequiredError) => thrown)
    expect(error).toMatchObject({
      code: 'ERR_CREDENTIAL_REQUIRED',
      provider: 'coda',
      connectUrl: 'https://mcp.example/account',
    })
    expect(inspect(error)).not.toContain('canary-token')
  })

  it('lends the credential of the service to everybody with per: "service"', async () => {
    const { store, coda } = setUp({ per: 'service' })
    await store.set(serviceKey, { kind: 'api-key', secret: 'of the service' })
    expect((await coda.for(ann)).secret).toBe('of the service')
    expect((await coda.for({ ...ann, subject: 'bob' })).secret).toBe('of the service')
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['auth info of another middleware', { token: 't', clientId: 'c', scopes: [] }],
    ['auth info whose principal has no subject', { extra: { principal: { ...ann, subject: '' } } }],
    ['auth info that carries an identity beside extra', { ...ann, token: 't' }],
    ['auth info that carries an identity and empty extra', { ...ann, extra: {} }],
    ['a principal without issuer', { ...ann, issuer: '' }],
    ['a principal of unknown kind', { ...ann, kind: 'admin' }],
    ['a text', 'ann'],
  ])('refuses %s, also with per: "service"', async (_what, caller) => {
    const { store, coda } = setUp({ per: 'service' })
    await store.set(serviceKey, { kind: 'api-key', secret: 'of the service' })
    await expect(coda.for(caller as never)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID' })
    expect(store.reads).toBe(0)
  })

  it('X32 keeps absent, unavailable and damaged apart', async () => {
    const { store, coda } = setUp({ connectUrl: ({ subject }) => `https://mcp.example/${subject}` })
    await expect(coda.for(ann)).rejects.toMatchObject({
      code: 'ERR_CREDENTIAL_REQUIRED',
      connectUrl: 'https://mcp.example/ann',
    })
    store.onGet = () => Promise.reject(new StoreUnavailableError('down'))
    const outage = await coda.for(ann).catch((thrown: unknown) => thrown)
    expect(outage).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(outage).not.toHaveProperty('connectUrl')
    store.onGet = () => Promise.reject(new StoreIntegrityError('damaged'))
    await expect(coda.for(ann)).rejects.toMatchObject({ code: 'ERR_STORE_INTEGRITY' })
  })

  it('gives up on a mute store after 2 seconds, and not before', async () => {
    vi.useFakeTimers()
    const { store, coda } = setUp()
    store.onGet = () => createGate<Credential | undefined>().promise
    const settled = vi.fn()
    const waiting = coda.for(ann).catch((error: unknown) => error)
    waiting.then(settled)
    await vi.advanceTimersByTimeAsync(1999)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await waiting).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(store.signals[0]?.aborted).toBe(true)
  })

  it('rejects with the reason of the given signal and hands it on to the store', async () => {
    const { store, coda } = setUp()
    store.onGet = () => createGate<Credential | undefined>().promise
    const controller = new AbortController()
    const reason = new Error('left')
    const waiting = coda.for(ann, { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(store.signals[0]?.aborted).toBe(true)
  })

  it('asks for a new credential when the stored one has expired', async () => {
    const clock = { time: 1_000_000 }
    const { store, coda } = setUp({ now: () => clock.time })
    await store.set(userKey('ann'), { kind: 'oauth2', secret: 'short', expiresAt: 1001 })
    clock.time = 1_000_999
    expect((await coda.for(ann)).secret).toBe('short')
    clock.time = 1_001_000
    await expect(coda.for(ann)).rejects.toMatchObject({ code: 'ERR_CREDENTIAL_REQUIRED' })
  })

  it('reads a cached credential without asking the store again', async () => {
    const store = createFakeStore()
    await store.set(userKey('ann'), { kind: 'api-key', secret: "ann's" })
    const coda = createCredentials({
      store: cachedTokenStore(store),
      provider: 'coda',
      per: 'user',
    })
    for (let round = 0; round < 3; round++) expect((await coda.for(ann)).secret).toBe("ann's")
    expect(store.reads).toBe(1)
  })

  it('records every read with the caller, never a value', async () => {
    const events: CredentialAuditEvent[] = []
    const { store, coda } = setUp({ audit: { record: (event) => void events.push(event) } })
    await store.set(userKey('ann'), { kind: 'api-key', secret: 'canary-secret' })
    await coda.for(authInfo(ann))
    await vi.waitFor(() => expect(events).toHaveLength(1))
    expect(events[0]).toMatchObject({
      operation: 'read',
      outcome: 'done',
      actor: { issuer: 'https://issuer.example', subject: 'ann', clientId: 'client-1' },
    })
    expect(JSON.stringify(events)).not.toContain('canary')
  })
})

describe('resolve()', () => {
  it('returns absence and outage as values and rejects with anything else', async () => {
    const { store, coda } = setUp()
    expect(await coda.resolve(ann)).toMatchObject({
      kind: 'required',
      error: { code: 'ERR_CREDENTIAL_REQUIRED' },
    })
    await store.set(userKey('ann'), { kind: 'api-key', secret: "ann's" })
    const found = await coda.resolve(ann)
    expect(found.kind === 'found' && found.credential.secret).toBe("ann's")
    store.onGet = () => Promise.reject(new StoreUnavailableError('down'))
    expect(await coda.resolve(ann)).toMatchObject({ kind: 'unavailable' })
    store.onGet = () => Promise.reject(new StoreIntegrityError('damaged'))
    await expect(coda.resolve(ann)).rejects.toMatchObject({ code: 'ERR_STORE_INTEGRITY' })
  })
})

describe('matches()', () => {
  it('knows exact names and prefixes', () => {
    const { coda } = setUp({ resolveFor: ['coda_*', 'whoami'] })
    const names = ['coda_get_row', 'coda_', 'whoami', 'whoami2', 'coda', 'xcoda_a', 'Coda_a']
    expect(names.filter(coda.matches)).toEqual(['coda_get_row', 'coda_', 'whoami'])
    expect(setUp().coda.matches('anything')).toBe(false)
    expect(setUp({ resolveFor: ['*'] }).coda.matches('anything')).toBe(true)
  })
})

describe('dangerouslyFallBackToService', () => {
  it('lends the credential of the service to a caller without one, and warns once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { store, coda } = setUp({ dangerouslyFallBackToService: true })
    await store.set(serviceKey, { kind: 'api-key', secret: 'of the service' })
    expect((await coda.for(ann)).secret).toBe('of the service')
    await store.set(userKey('ann'), { kind: 'api-key', secret: "ann's" })
    expect((await coda.for(ann)).secret).toBe("ann's")
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('does not take an outage for absence', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { store, coda } = setUp({ dangerouslyFallBackToService: true })
    await store.set(serviceKey, { kind: 'api-key', secret: 'of the service' })
    store.onGet = (key) =>
      key.owner.kind === 'user'
        ? Promise.reject(new StoreUnavailableError('down'))
        : store.memory.get(key)
    await expect(coda.for(ann)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })
})

describe('createCredentials()', () => {
  it.each([
    ['no per', { per: undefined }, /per: .*no default/],
    ['an unknown per', { per: 'tenant' }, /per: /],
    ['a provider that is no name', { provider: 'a/b' }, /provider: /],
    ['no store', { store: undefined }, /store: /],
    ['a wildcard in the middle', { resolveFor: ['a*b'] }, /resolveFor\[0\]: /],
    ['an empty pattern', { resolveFor: [''] }, /resolveFor\[0\]: /],
    ['a connectUrl that is no URL', { connectUrl: 'javascript:alert(1)' }, /connectUrl: /],
    ['an unknown option', { fallback: true }, /fallback: unknown/],
    [
      'a fallback without users',
      { per: 'service', dangerouslyFallBackToService: true },
      /dangerouslyFallBackToService: /,
    ],
  ])('refuses %s', (_what, options, message) => {
    expect(() => setUp(options as Partial<CredentialsOptions>)).toThrow(message)
  })
})
