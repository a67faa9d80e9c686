import {
  buildDiscoveryUrls,
  discoverOAuthProtectedResourceMetadata as discoverByV2,
} from '@modelcontextprotocol/client'
import { discoverOAuthProtectedResourceMetadata as discoverByV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../../../packages/mcp-auth-middleware/src/create-mcp-auth.js'
import { metadataUrlsOf } from '../../../packages/mcp-auth-middleware/src/metadata/authorization-server-mirror.js'
import { metadataLocations } from '../../../packages/mcp-auth-middleware/src/metadata/protected-resource-metadata.js'
import {
  validatorOf,
  viewOf,
} from '../../../packages/mcp-auth-middleware/test/resource-server/fakes.js'
import { expectToHold, isCaught, PATIENCE } from './support/property.js'
import { issuerUrls, resourceUrls } from './support/resource-urls.js'

type Locate = (resource: string) => string
type Discover = (issuer: string) => readonly string[]

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** RFC 9728 section 3.1, in text: the well-known part goes between the host and what follows it. */
function insertAfterHost(resource: string, wellKnown: string): string {
  const host = resource.indexOf('//') + 2
  const path = resource.indexOf('/', host)
  return path === -1
    ? resource + wellKnown
    : resource.slice(0, path) + wellKnown + resource.slice(path)
}

const locate: Locate = (resource) => {
  const url = new URL(resource)
  return metadataLocations(url, url.pathname).metadataUrl
}

/** The URL is where the RFC says, and leads back to the one resource. */
const isInserted = (find: Locate) =>
  fc.property(resourceUrls, (resource) => {
    const url = find(resource)
    expect(url).toBe(insertAfterHost(resource, WELL_KNOWN))
    expect(new URL(url).href).toBe(url)
    expect(url.replace(WELL_KNOWN, '')).toBe(resource)
  })

const isWhereClientsLook = (discover: Discover) =>
  fc.property(issuerUrls, (issuer) => {
    const clients = buildDiscoveryUrls(issuer).map(({ url }) => url.href)
    expect(discover(issuer)).toEqual(clients)
    // RFC 8414 section 3.1: a slash at the end of the issuer is removed before.
    const trimmed = issuer.replace(/\/$/, '')
    expect(discover(issuer)[0]).toBe(
      insertAfterHost(trimmed, '/.well-known/oauth-authorization-server'),
    )
  })

const serverOf = (resource: string) =>
  createMcpAuth({ resource, validators: [validatorOf()], mirrorAuthorizationServer: false })

/** Answers for the server of a resource what a client asks for over the network. */
function fetchFrom(auth: ReturnType<typeof serverOf>, asked: string[]): typeof fetch {
  return async (input) => {
    const { href, host, pathname, search } = new URL(String(input))
    asked.push(href)
    const view = { ...viewOf({ host }, { method: 'GET', target: pathname + search }) }
    const answer = await auth.metadata(view)
    return new Response(answer?.body ?? '', {
      status: answer?.status ?? 599,
      headers: answer?.headers ?? {},
    })
  }
}

describe('the metadata of a resource', () => {
  it('C08 is where RFC 9728 puts it, for any path', { timeout: PATIENCE }, async () => {
    await expectToHold(isInserted(locate), {
      part: 'metadata-urls',
      method: 'resource identifiers with any path, compared with RFC 9728 section 3.1 done in text',
      runs: 5000,
      longRuns: 200_000,
    })
  })

  it('C08 is found by MCP SDK 1 and 2, and is about this resource', {
    timeout: PATIENCE,
  }, async () => {
    const isFound = fc.asyncProperty(resourceUrls, async (resource) => {
      const auth = serverOf(resource)
      for (const discover of [discoverByV1, discoverByV2]) {
        const asked: string[] = []
        const found = await discover(resource, undefined, fetchFrom(auth, asked))
        expect(found.resource).toBe(resource)
        expect(asked).toEqual([locate(resource)])
      }
      const refusal = await auth.guard(viewOf({ host: new URL(resource).host }))
      expect(refusal).toHaveProperty(
        'headers.www-authenticate',
        `Bearer resource_metadata="${locate(resource)}"`,
      )
    })
    await expectToHold(isFound, {
      part: 'metadata-discovery',
      method: 'discovery by both SDKs against the server of a resource with any path',
      runs: 300,
      longRuns: 20_000,
    })
  })

  it('C08 is nowhere near it', { timeout: PATIENCE }, async () => {
    const near = fc.constantFrom('/', '/x', 'x', '%2F', '/.', '//', ';a', '/..%2f')
    const isNowhereElse = fc.asyncProperty(resourceUrls, near, async (resource, change) => {
      const url = new URL(locate(resource))
      fc.pre(url.pathname !== WELL_KNOWN || !change.startsWith('x'))
      const target = url.pathname + change
      const answer = await serverOf(resource).metadata(viewOf({}, { method: 'GET', target }))
      // What is no such address at all is left to the guard.
      expect([404, undefined]).toContain(answer?.status)
    })
    await expectToHold(isNowhereElse, {
      part: 'metadata-neighbours',
      method: 'addresses beside that of a metadata document',
      runs: 300,
      longRuns: 20_000,
    })
  })
})

describe('metadataUrlsOf()', () => {
  it('looks where clients look, and where RFC 8414 says, for any path', {
    timeout: PATIENCE,
  }, async () => {
    await expectToHold(isWhereClientsLook(metadataUrlsOf), {
      part: 'issuer-metadata-urls',
      method:
        'issuers with any path, compared with MCP SDK 2 and RFC 8414 section 3.1 done in text',
      runs: 3000,
      longRuns: 100_000,
    })
  })
})

describe('the properties catch a rule that', () => {
  it.each<[string, Locate]>([
    ['appends the well-known part', (resource) => resource + WELL_KNOWN],
    ['forgets the path', (resource) => new URL(WELL_KNOWN, resource).href],
    [
      'keeps the first segment only',
      (resource) => locate(resource).split('/').slice(0, 6).join('/'),
    ],
    ['decodes the path', (resource) => locate(resource).replaceAll('%2F', '/')],
    ['ends with a slash', (resource) => `${locate(resource)}/`],
    ['loses the port', (resource) => locate(resource).replace(/:\d+(?=\/)/, '')],
    ['joins double slashes', (resource) => locate(resource).replace(/(?<!:)\/\/+/g, '/')],
  ])('%s', async (_fault, find) => {
    expect(await isCaught(isInserted(find))).toBe(true)
  })

  it.each<[string, Discover]>([
    [
      'appends for OAuth too',
      (issuer) => [`${issuer}/.well-known/oauth-authorization-server`, ...metadataUrlsOf(issuer)],
    ],
    ['leaves the last place out', (issuer) => metadataUrlsOf(issuer).slice(0, 2)],
    ['looks at OpenID Connect first', (issuer) => metadataUrlsOf(issuer).toReversed()],
  ])('%s', async (_fault, discover) => {
    expect(await isCaught(isWhereClientsLook(discover))).toBe(true)
  })
})
