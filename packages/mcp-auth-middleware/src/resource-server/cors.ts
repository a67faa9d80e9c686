import type { OriginPolicy } from './origin.js'
import { headerOf, type RequestView } from './request-view.js'

const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After'
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const ALLOWED_HEADERS = [
  'authorization',
  'content-type',
  'accept',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'mcp-method',
  'mcp-name',
]
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/

/** Headers for public documents, which any page may read. */
export const PUBLIC_CORS: Readonly<Record<string, string>> = Object.freeze({
  'access-control-allow-origin': '*',
})

/**
 * CORS headers of an answer to an allowed origin. `Vary` is there even without an `Origin`, so that a
 * shared cache never serves one origin's answer to another.
 */
export function corsHeaders(
  policy: OriginPolicy,
  origin: string | undefined,
): Readonly<Record<string, string>> | undefined {
  if (policy.anyOrigin) {
    return origin === undefined ? undefined : ANY_ORIGIN
  }
  if (origin === undefined || !policy.allowsOrigin(origin)) return VARY_ONLY
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': EXPOSED,
    vary: 'Origin',
  }
}

const ANY_ORIGIN: Readonly<Record<string, string>> = Object.freeze({
  'access-control-allow-origin': '*',
  'access-control-expose-headers': EXPOSED,
})
const VARY_ONLY: Readonly<Record<string, string>> = Object.freeze({ vary: 'Origin' })

/** Whether a request is a CORS preflight (Fetch standard), which carries no credentials. */
export function isPreflight(view: RequestView): boolean {
  return (
    view.method === 'OPTIONS' &&
    headerOf(view, 'origin') !== undefined &&
    headerOf(view, 'access-control-request-method') !== undefined
  )
}

/**
 * Headers that answer a preflight. Requested header names are allowed as asked, since MCP has
 * per-tool `Mcp-Param-*` headers that no fixed list can name.
 */
export function preflightHeaders(view: RequestView): Record<string, string> {
  const requested = (headerOf(view, 'access-control-request-headers') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => HEADER_NAME.test(name))
    .slice(0, 50)
  return {
    'access-control-allow-methods': ALLOWED_METHODS,
    'access-control-allow-headers': [...new Set([...ALLOWED_HEADERS, ...requested])].join(', '),
    'access-control-max-age': '600',
    vary: 'Origin, Access-Control-Request-Headers',
  }
}
