import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type OidcOptions, oidc } from '../../src/validators/oidc.js'
import { createClock, createNetwork, keySetOf, START } from '../jwt/fakes.js'
import { createSigningKey, signToken } from '../jwt/sign.js'
import { attach, RESOURCE } from './jwt-fixture.js'

const ISSUER = 'https://as.test'
const DOCUMENT = `${ISSUER}/.well-known/openid-configuration`
const key = createSigningKey('RS256')
const now = START / 1000
const claims = { iss: ISSUER, aud: RESOURCE, sub: 'user-1', iat: now, exp: now + 60 }

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

describe('oidc()', () => {
  it('finds the keys through the metadata, when the first token arrives', async () => {
    const clock = createClock()
    const network = createNetwork({
      [DOCUMENT]: { issuer: ISSUER, jwks_uri: 'https://as.test/k' },
      'https://as.test/k': keySetOf(key),
    })
    const harness = attach(oidc({ issuer: ISSUER, fetch: network.fetch, now: clock.now }), clock)
    expect(network.requests).toEqual([])
    expect(await harness.judge(signToken(key, claims))).toBe('accepted')
    expect(await harness.judge(signToken(key, claims))).toBe('accepted')
    expect(network.requests).toEqual([DOCUMENT, 'https://as.test/k'])
  })

  it('J31 is unavailable, and says so, when the metadata belongs to another issuer', async () => {
    const clock = createClock()
    const network = createNetwork({
      [DOCUMENT]: { issuer: 'https://evil.test', jwks_uri: 'https://as.test/k' },
      'https://as.test/k': keySetOf(key),
    })
    const harness = attach(oidc({ issuer: ISSUER, fetch: network.fetch, now: clock.now }), clock)
    expect(await harness.judge(signToken(key, claims))).toBe('unavailable: issuer_mismatch')
    expect(harness.incidents).toMatchObject([{ kind: 'issuer-misconfigured', issuer: ISSUER }])
    expect(network.requests).toEqual([DOCUMENT])
  })

  it('K21 accepts once discovery works, after the back-off', async () => {
    const clock = createClock()
    const network = createNetwork({ 'https://as.test/k': keySetOf(key) })
    const harness = attach(oidc({ issuer: ISSUER, fetch: network.fetch, now: clock.now }), clock)
    expect(await harness.judge(signToken(key, claims))).toBe('unavailable: http_status')
    network.answers.set(DOCUMENT, { issuer: ISSUER, jwks_uri: 'https://as.test/k' })
    expect(await harness.judge(signToken(key, claims))).toBe('unavailable: http_status')
    clock.advance(1)
    expect(await harness.judge(signToken(key, claims))).toBe('accepted')
  })

  it('K06 answers 50 parallel requests within 3.5 s when the issuer hangs, with 1 fetch', async () => {
    let hits = 0
    const server = createServer(() => {
      hits += 1
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      server.close()
      server.closeAllConnections()
    })
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const harness = attach(oidc({ issuer }), { now: Date.now, advance: () => undefined })
    const seconds = Math.floor(Date.now() / 1000)
    const token = signToken(key, { ...claims, iss: issuer, iat: seconds, exp: seconds + 60 })
    const start = performance.now()
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => harness.judge(token)))
    expect(performance.now() - start).toBeLessThan(3500)
    expect(new Set(verdicts)).toEqual(new Set(['unavailable: timeout']))
    expect(hits).toBe(1)
  })

  it.each<[string, unknown]>([
    ['P18 an issuer from an unset variable', { issuer: undefined }],
    ['an issuer that is no URL', { issuer: 'as.test' }],
    ['http on a public host', { issuer: 'http://as.test' }],
    ['userinfo', { issuer: 'https://a@as.test' }],
    ['a query', { issuer: 'https://as.test?x=1' }],
    ['a key URL, which belongs to jwt()', { issuer: ISSUER, jwksUri: 'https://as.test/k' }],
    ['P18 an empty audience', { issuer: ISSUER, audience: [] }],
  ])('refuses %s', (_name, options) => {
    expect(() => oidc(options as OidcOptions)).toThrow(/oidc: .* not usable/)
  })
})
