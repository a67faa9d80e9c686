import { createSigningKey, type SigningKey } from './access-tokens.js'
import { type AuthorizationServerState, createAuthorizationServer } from './authorization-server.js'
import { type Answer, type Listener, listen, type Received } from './exchange.js'
import { healthy } from './healthy.js'
import type { Grant, Parts, Replacement, Urls } from './parts.js'
import { createResourceServer, type Routed } from './resource-server.js'

/** Public origins that stand for the listeners of a site. Default: those of the listeners. */
export interface PublicNames {
  /** For example `https://notes.example.com`. */
  readonly resource?: string | undefined
  readonly authorization?: string | undefined
}

/** How a site is laid out. */
export interface Layout {
  /** Path of the MCP endpoint. Default `/mcp`. */
  readonly resourcePath?: string | undefined
  /** Path of the issuer, such as `/tenant`. Default none. */
  readonly issuerPath?: string | undefined
  /** Whether one origin has both servers. Default false. */
  readonly oneOrigin?: boolean | undefined
  readonly names?: PublicNames | undefined
}

/** A site that listens. */
export interface Site {
  readonly urls: Urls
  readonly key: SigningKey
  readonly state: AuthorizationServerState
  /** An access token as the authorization server issues them, for ten minutes. */
  issue(grant: Grant): string
  /** Reaches the site by its public names, the documents of vendors, and nothing else. */
  readonly fetch: typeof fetch
  /** Every request that the site got, as `GET /mcp`. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

const VENDORS = ['https://chatgpt.com', 'https://claude.ai', 'https://vscode.dev']

/** Creates a `fetch` that knows some origins, each with the address on loopback that stands for it. */
function createFetch(addresses: ReadonlyMap<string, string>): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const address = addresses.get(url.origin)
    if (address === undefined) {
      // What `fetch` throws for a name that nobody knows.
      const cause = Object.assign(new Error(`getaddrinfo ENOTFOUND ${url.hostname}`), {
        code: 'ENOTFOUND',
      })
      throw new TypeError('fetch failed', { cause })
    }
    const options = input instanceof Request ? input : init
    // Its target would be looked up outside of this map.
    if (options?.redirect !== 'manual') throw new Error(`${url.href} would be followed elsewhere`)
    return fetch(`${address}${url.pathname}${url.search}`, options)
  }
}

/** Starts a site: the healthy one, but for the parts that are given. */
export async function startSite(replacement: Replacement = {}, layout: Layout = {}): Promise<Site> {
  const { resourcePath = '/mcp', issuerPath = '', oneOrigin = false, names } = layout
  const parts: Parts = { ...healthy, ...replacement }
  const key = createSigningKey('key-1')
  const resourceServer = createResourceServer(parts, key)
  const { route: authorizationServer, state } = createAuthorizationServer(parts, key)
  const requests: string[] = []
  let configured: Urls = { resource: '', issuer: '' }

  async function answer(request: Received, routed: Routed | undefined): Promise<Answer> {
    if (routed === undefined) return parts.unknown(request)
    const { endpoint } = routed
    if (request.method === 'OPTIONS') return parts.preflight(endpoint, request)
    const { status, headers, body } = await routed.answer()
    return { status, headers: { ...headers, ...parts.corsHeaders(endpoint) }, body }
  }

  function listenFor(...routes: ((urls: Urls, request: Received) => Routed | undefined)[]) {
    return listen(async (request) => {
      requests.push(`${request.method} ${request.path}`)
      const urls = parts.urls(configured, request)
      const [routed] = routes.flatMap((route) => route(urls, request) ?? [])
      return parts.proxy(await answer(request, routed), request, urls)
    })
  }

  const resource = await (oneOrigin
    ? listenFor(resourceServer, authorizationServer)
    : listenFor(resourceServer))
  const authorization = oneOrigin ? resource : await listenFor(authorizationServer)
  const vendors = await listen(({ path }) => parts.vendor(`https://${path.slice(1)}`))
  const listeners = new Set<Listener>([resource, authorization, vendors])
  configured = {
    resource: `${names?.resource ?? resource.origin}${resourcePath}`,
    issuer: `${names?.authorization ?? authorization.origin}${issuerPath}`,
  }

  return {
    urls: configured,
    key,
    state,
    issue: (grant) => key.mint(parts.claims(configured, grant, Math.floor(Date.now() / 1000))),
    requests,
    fetch: createFetch(
      new Map([
        [new URL(configured.resource).origin, resource.origin],
        [new URL(configured.issuer).origin, authorization.origin],
        ...VENDORS.map((origin): [string, string] => [
          origin,
          `${vendors.origin}/${new URL(origin).hostname}`,
        ]),
      ]),
    ),
    async close() {
      await Promise.all([...listeners].map((listener) => listener.close()))
    },
  }
}
