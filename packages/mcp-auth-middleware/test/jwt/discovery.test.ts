import { beforeEach, describe, expect, it } from 'vitest'
import { metadataUrls } from '../../src/jwt/discovery.js'
import { createKeyLoader, type KeyLoad } from '../../src/jwt/key-loader.js'
import { createNetwork, type FakeNetwork, keySetOf } from './fakes.js'
import { createSigningKey } from './sign.js'

const ISSUER = 'https://as.test/tenant'
const OIDC = 'https://as.test/tenant/.well-known/openid-configuration'
const RFC8414 = 'https://as.test/.well-known/oauth-authorization-server/tenant'
const JWKS = 'https://keys.test/jwks'
const key = createSigningKey('ES256')

let network: FakeNetwork
beforeEach(() => {
  network = createNetwork({ [OIDC]: { issuer: ISSUER, jwks_uri: JWKS }, [JWKS]: keySetOf(key) })
})

function load(discovery = ISSUER, documentIssuer?: string): () => Promise<KeyLoad> {
  return createKeyLoader({ discovery, documentIssuer }, new Set(['ES256']), network.fetch)
}

describe('metadataUrls()', () => {
  it.each([
    [
      'https://as.test',
      'https://as.test/.well-known/openid-configuration',
      'https://as.test/.well-known/oauth-authorization-server',
    ],
    [
      'https://as.test/',
      'https://as.test/.well-known/openid-configuration',
      'https://as.test/.well-known/oauth-authorization-server',
    ],
    [ISSUER, OIDC, RFC8414],
  ])('appends and inserts for %s', (issuer, oidc, rfc8414) => {
    expect(metadataUrls(issuer)).toEqual([oidc, rfc8414])
  })
})

describe('createKeyLoader() with discovery', () => {
  it('finds the keys through the OpenID Connect document', async () => {
    expect(await load()()).toMatchObject({ ok: true })
    expect(network.requests).toEqual([OIDC, JWKS])
  })

  it('falls back to the RFC 8414 document', async () => {
    network.answers.set(RFC8414, network.answers.get(OIDC))
    network.answers.delete(OIDC)
    expect(await load()()).toMatchObject({ ok: true })
    expect(network.requests).toEqual([OIDC, RFC8414, JWKS])
  })

  it('remembers where the keys are, and asks again after their fetch failed', async () => {
    const loader = load()
    await loader()
    await loader()
    expect(network.requests).toEqual([OIDC, JWKS, JWKS])
    network.answers.delete(JWKS)
    expect(await loader()).toMatchObject({ ok: false, reason: 'http_status' })
    const moved = 'https://keys.test/moved'
    network.answers.set(OIDC, { issuer: ISSUER, jwks_uri: moved })
    network.answers.set(moved, keySetOf(key))
    expect(await loader()).toMatchObject({ ok: true })
    expect(network.requests.slice(-2)).toEqual([OIDC, moved])
  })

  it('K21 does not remember a failed discovery', async () => {
    const document = network.answers.get(OIDC)
    network.answers.delete(OIDC)
    const loader = load()
    expect(await loader()).toEqual({ ok: false, reason: 'http_status', misconfigured: false })
    network.answers.set(OIDC, document)
    expect(await loader()).toMatchObject({ ok: true })
  })

  it.each([
    ['another issuer', 'https://evil.test'],
    ['a slash more', `${ISSUER}/`],
    ['another case', 'https://AS.test/tenant'],
    ['no issuer', undefined],
    ['a list', [ISSUER]],
  ])('J31 never uses a document of %s', async (_name, issuer) => {
    network.answers.set(OIDC, { issuer, jwks_uri: JWKS })
    network.answers.set(RFC8414, { issuer: ISSUER, jwks_uri: JWKS })
    expect(await load()()).toEqual({ ok: false, reason: 'issuer_mismatch', misconfigured: true })
    expect(network.requests).toEqual([OIDC])
  })

  it('J31 expects exactly the issuer that a preset names for a template document', async () => {
    const template = 'https://as.test/{tenantid}'
    network.answers.set(OIDC, { issuer: template, jwks_uri: JWKS })
    expect(await load(ISSUER, template)()).toMatchObject({ ok: true })
    expect(await load()()).toMatchObject({ ok: false, reason: 'issuer_mismatch' })
  })

  it.each([
    ['plain http', 'http://keys.test/jwks', 'jwks_uri_invalid'],
    ['a file', 'file:///etc/passwd', 'jwks_uri_invalid'],
    ['userinfo', 'https://a:b@keys.test/jwks', 'jwks_uri_invalid'],
    ['this machine', 'http://127.0.0.1:9/jwks', 'jwks_uri_invalid'],
    ['this machine over https', 'https://localhost/jwks', 'jwks_uri_invalid'],
    ['no URL', undefined, 'metadata_invalid'],
  ])('K19 fetches no keys when the document points at %s', async (_name, jwksUri, reason) => {
    network.answers.set(OIDC, { issuer: ISSUER, jwks_uri: jwksUri })
    expect(await load()()).toEqual({ ok: false, reason, misconfigured: true })
    expect(network.requests).toEqual([OIDC])
  })

  it('lets an issuer on loopback name keys on loopback', async () => {
    const issuer = 'http://127.0.0.1:4444'
    network.answers.set(`${issuer}/.well-known/openid-configuration`, {
      issuer,
      jwks_uri: `${issuer}/jwks`,
    })
    network.answers.set(`${issuer}/jwks`, keySetOf(key))
    expect(await load(issuer)()).toMatchObject({ ok: true })
  })

  it('K15 holds one deadline over metadata and keys together', async () => {
    const hanging: typeof globalThis.fetch = async (input, init) => {
      if (String(input) === OIDC) {
        await new Promise((resolve) => setTimeout(resolve, 2000))
        return network.fetch(input, init)
      }
      return new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }
    const start = performance.now()
    const loader = createKeyLoader({ discovery: ISSUER }, new Set(['ES256']), hanging)
    expect(await loader()).toMatchObject({ ok: false, reason: 'timeout' })
    expect(performance.now() - start).toBeLessThan(3500)
  })
})
