import fc from 'fast-check'
import { checkResourceUrl } from '../../../../packages/mcp-auth-middleware/src/resource-server/protected-resource.js'

const segment = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.string({ unit: fc.constantFrom(...'abzAZ09-._~'), minLength: 1, maxLength: 8 }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['mcp', 'a%20b', '%C3%A9', '%2F', '%', '!$&', "'()*+,;=:@", '.well-known'],
      ...['oauth-protected-resource', 'oauth-authorization-server', '__proto__', 'é', 'a b', ''],
    ),
  },
)

// Node.js 20 leaves some dot segments in the path of a URL (`/a/.a/.`), which no server is ever at.
const isDots = (text: string) => /^\.{1,2}$/.test(text)

const origins = fc.constantFrom(
  ...['https://mcp.test', 'https://mcp.test:8443', 'http://127.0.0.1:3000', 'http://[::1]:3000'],
  ...['http://localhost', 'https://xn--mgba3a4f16a.test'],
)

/** Paths of every kind that a URL can have; what a URL parser changes of them is changed already. */
const anyUrl = fc
  .tuple(
    origins,
    fc.array(
      segment.filter((text) => !isDots(text)),
      { maxLength: 5 },
    ),
    fc.constantFrom('', '', '', '/'),
  )
  .map(([origin, segments, end]) => {
    const { origin: same, pathname } = new URL([origin, ...segments].join('/') + end)
    return `${same}${pathname === '/' ? '' : pathname}`
  })

/** Identifiers of resources with any path, as configuration lets them in. */
export const resourceUrls: fc.Arbitrary<string> = anyUrl.filter(
  (url) => checkResourceUrl('resource', url).length === 0,
)

/** Issuers with any path; those of several providers end with a slash. */
export const issuerUrls: fc.Arbitrary<string> = anyUrl.filter(
  // MCP SDK 2.4.0 takes what follows two slashes for a host.
  (url) => !new URL(url).pathname.startsWith('//'),
)
