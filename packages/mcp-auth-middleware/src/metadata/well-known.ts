import { PUBLIC_CORS, preflightHeaders } from '../resource-server/cors.js'
import { normalizeHost } from '../resource-server/origin.js'
import type { ProtectedResource } from '../resource-server/protected-resource.js'
import { headerOf, pathOf, type RequestView } from '../resource-server/request-view.js'
import {
  PLAIN_REFUSALS,
  type ResponseOutcome,
  unavailable,
  withHeaders,
} from '../resource-server/responses.js'
import type { AuthorizationServerMirror } from './authorization-server-mirror.js'
import { ROOT_METADATA_PATH } from './protected-resource-metadata.js'

/** Answers metadata requests; `undefined` for every other request. */
export type WellKnown = (
  view: RequestView,
  now: number,
) => ResponseOutcome | Promise<ResponseOutcome> | undefined

const AUTHORIZATION_SERVER = '/.well-known/oauth-authorization-server'

// Clients put the path of the server before or behind the well-known part.
const DISCOVERY =
  /\/\.well-known\/(?:oauth-protected-resource|oauth-authorization-server|openid-configuration)(?:\/|$)/

function document(body: string): ResponseOutcome {
  return {
    kind: 'response',
    status: 200,
    headers: {
      ...PUBLIC_CORS,
      'content-type': 'application/json',
      'content-length': String(new TextEncoder().encode(body).length),
      'cache-control': 'public, max-age=300',
    },
    body,
  }
}

/**
 * Builds the answers to discovery: protected resource metadata at the path-inserted place and at the
 * root, the mirror for 2025-03-26 clients, and JSON 404 for every other OAuth or OpenID document, so
 * that clients go on probing instead of parsing a page.
 *
 * @see RFC 9728 section 3, RFC 8414 section 3
 */
export function createWellKnown(options: {
  readonly resources: readonly ProtectedResource[]
  /** The resource whose document is also served at the root, by `Host` where hosts differ. */
  readonly rootResource: (host: string | undefined) => ProtectedResource | undefined
  readonly mirrors: ReadonlyMap<string, AuthorizationServerMirror>
}): WellKnown {
  const byPath = new Map<string, ProtectedResource[]>()
  for (const resource of options.resources) {
    if (resource.metadataDocument === undefined) continue
    for (const path of resource.metadataPaths) {
      byPath.set(path, [...(byPath.get(path) ?? []), resource])
    }
  }

  const resourceAt = (path: string, host: string | undefined): ProtectedResource | undefined => {
    const candidates = byPath.get(path)
    if (candidates?.length === 1) return candidates[0]
    const named = candidates?.find(({ url }) => url.host === normalizeHost(host, url.protocol))
    return named ?? (path === ROOT_METADATA_PATH ? options.rootResource(host) : undefined)
  }

  const answer = (
    path: string,
    host: string | undefined,
    now: number,
  ): ResponseOutcome | Promise<ResponseOutcome> | undefined => {
    const body = resourceAt(path, host)?.metadataDocument
    if (body !== undefined) return document(body)
    if (path !== AUTHORIZATION_SERVER) return undefined
    const [issuer] = options.rootResource(host)?.authorizationServers ?? []
    const mirror = issuer === undefined ? undefined : options.mirrors.get(issuer)
    return mirror
      ?.read(now)
      .then((result) =>
        result.kind === 'document'
          ? document(result.body)
          : withHeaders(unavailable(result.retryAfterSeconds), PUBLIC_CORS),
      )
  }

  return (view, now) => {
    const path = pathOf(view.target)
    if (!path.includes('/.well-known/') || !DISCOVERY.test(path)) return undefined
    switch (view.method) {
      case 'GET':
      case 'HEAD':
        return (
          answer(path, headerOf(view, 'host'), now) ??
          withHeaders(PLAIN_REFUSALS.notFound, PUBLIC_CORS)
        )
      case 'OPTIONS': {
        const headers = { ...PUBLIC_CORS, ...preflightHeaders(view) }
        return {
          kind: 'response',
          status: 204,
          headers: { ...headers, 'access-control-allow-methods': 'GET, HEAD, OPTIONS' },
          body: '',
        }
      }
      default:
        return withHeaders(PLAIN_REFUSALS.methodNotAllowed, PUBLIC_CORS)
    }
  }
}
