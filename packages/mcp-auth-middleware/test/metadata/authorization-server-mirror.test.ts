import { describe, expect, it } from 'vitest'
import {
  createAuthorizationServerMirror,
  metadataUrlsOf,
} from '../../src/metadata/authorization-server-mirror.js'

const ISSUER = 'https://as.test'
const NOW = 1_800_000_000_000
const MINUTE = 60_000

/** An issuer that answers as told and remembers what it was asked. */
function createIssuer(documents: Record<string, () => Response>) {
  const requested: string[] = []
  const fetch: typeof globalThis.fetch = async (input) => {
    const url = String(input)
    requested.push(url)
    return documents[url]?.() ?? new Response('not found', { status: 404 })
  }
  return { fetch, requested }
}

const RFC8414 = `${ISSUER}/.well-known/oauth-authorization-server`
const OIDC = `${ISSUER}/.well-known/openid-configuration`
const good = (): Response => Response.json({ issuer: ISSUER, token_endpoint: `${ISSUER}/token` })
const DOCUMENT = {
  kind: 'document',
  body: `{"issuer":"${ISSUER}","token_endpoint":"${ISSUER}/token"}`,
}

describe('metadataUrlsOf()', () => {
  it('knows the two places of an issuer without a path', () => {
    expect(metadataUrlsOf(ISSUER)).toEqual([RFC8414, OIDC])
    expect(metadataUrlsOf(`${ISSUER}/`)).toEqual([RFC8414, OIDC])
  })

  it.each(['https://as.test/tenant', 'https://as.test/tenant/'])(
    'knows the three of %s',
    (issuer) => {
      expect(metadataUrlsOf(issuer)).toEqual([
        `${RFC8414}/tenant`,
        `${OIDC}/tenant`,
        'https://as.test/tenant/.well-known/openid-configuration',
      ])
    },
  )
})

describe('createAuthorizationServerMirror()', () => {
  it('fetches nothing before the first read', async () => {
    const { fetch, requested } = createIssuer({ [RFC8414]: good })
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    expect(requested).toEqual([])
    expect(await mirror.read(NOW)).toEqual(DOCUMENT)
    expect(requested).toEqual([RFC8414])
  })

  it('fetches once for many readers at once, and once in ten minutes', async () => {
    const { fetch, requested } = createIssuer({ [RFC8414]: good })
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    await Promise.all(Array.from({ length: 20 }, () => mirror.read(NOW)))
    await mirror.read(NOW + 10 * MINUTE - 1)
    expect(requested).toHaveLength(1)
    await mirror.read(NOW + 10 * MINUTE)
    expect(requested).toHaveLength(2)
  })

  it('goes on to OpenID Connect discovery', async () => {
    const { fetch, requested } = createIssuer({ [OIDC]: good })
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    expect(await mirror.read(NOW)).toEqual(DOCUMENT)
    expect(requested).toEqual([RFC8414, OIDC])
  })

  // RFC 8414 section 3.3: a document of another issuer must not be used.
  it.each([
    ['of another issuer', () => Response.json({ issuer: 'https://evil.test' })],
    ['of the issuer with a slash more', () => Response.json({ issuer: `${ISSUER}/` })],
    ['without an issuer', () => Response.json({ token_endpoint: 'x' })],
    ['that is a list', () => Response.json([{ issuer: ISSUER }])],
    ['that is a page', () => new Response('<html></html>')],
    ['by a redirect', () => new Response(null, { status: 302, headers: { location: OIDC } })],
    ['with a server error', () => Response.json({ issuer: ISSUER }, { status: 500 })],
    [
      'of more than 512 KiB',
      () => Response.json({ issuer: ISSUER, padding: 'x'.repeat(512 * 1024) }),
    ],
  ])('never serves a document %s', async (_, respond) => {
    const { fetch } = createIssuer({ [RFC8414]: respond, [OIDC]: respond })
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    expect(await mirror.read(NOW)).toEqual({ kind: 'unavailable', retryAfterSeconds: 5 })
  })

  it('J31 skips a document of another issuer and serves the right one behind it', async () => {
    const evil = () => Response.json({ issuer: 'https://evil.test' })
    const { fetch } = createIssuer({ [RFC8414]: evil, [OIDC]: good })
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    expect(await mirror.read(NOW)).toEqual(DOCUMENT)
  })

  it('R06 backs off for five seconds after a failure, and says how long', async () => {
    const documents: Record<string, () => Response> = {}
    const { fetch, requested } = createIssuer(documents)
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    await mirror.read(NOW)
    expect(requested).toHaveLength(2)
    expect(await mirror.read(NOW + 1)).toEqual({ kind: 'unavailable', retryAfterSeconds: 5 })
    expect(await mirror.read(NOW + 4_999)).toEqual({ kind: 'unavailable', retryAfterSeconds: 1 })
    expect(requested).toHaveLength(2)
    documents[RFC8414] = good
    expect(await mirror.read(NOW + 5_000)).toEqual(DOCUMENT)
    expect(requested).toHaveLength(3)
  })

  it('serves the document it held when the issuer cannot be read, and asks every five seconds', async () => {
    const documents: Record<string, () => Response> = { [RFC8414]: good }
    const { fetch, requested } = createIssuer(documents)
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    await mirror.read(NOW)
    documents[RFC8414] = () => {
      throw new TypeError('fetch failed')
    }
    const later = NOW + 10 * MINUTE
    expect(await mirror.read(later)).toEqual(DOCUMENT)
    expect(requested).toHaveLength(3)
    expect(await mirror.read(later + 4_999)).toEqual(DOCUMENT)
    expect(requested).toHaveLength(3)
    expect(await mirror.read(later + 5_000)).toEqual(DOCUMENT)
    expect(requested).toHaveLength(5)
  })

  it('answers one reader with a failure and the next ones too, without a rejection', async () => {
    const fetch: typeof globalThis.fetch = () => Promise.reject(new TypeError('refused'))
    const mirror = createAuthorizationServerMirror({ issuer: ISSUER, fetch })
    const answers = await Promise.all([mirror.read(NOW), mirror.read(NOW)])
    expect(answers.map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable'])
  })
})
