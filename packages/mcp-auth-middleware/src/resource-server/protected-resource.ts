import type { ConfigurationProblem } from '../errors.js'
import type { VerifiedTokenCache } from '../jwt/verified-token-cache.js'
import type { ScopeReader } from './granted-scopes.js'
import type { ScopePolicy } from './operation-scopes.js'
import { isLoopbackHost, normalizeHost, type OriginPolicy } from './origin.js'
import type { Refusals } from './responses.js'

/** One resource of a server with everything that requests for it need. */
export interface ProtectedResource {
  /** Canonical identifier as configured: the exact URL that clients are given. */
  readonly id: string
  readonly url: URL
  /** Path under which requests arrive here. */
  readonly localPath: string
  /** Absolute metadata URL for challenges; absent when no authorization server is advertised. */
  readonly metadataUrl: string | undefined
  /** Local paths at which the metadata document is served. */
  readonly metadataPaths: readonly string[]
  /** Metadata document as JSON text. */
  readonly metadataDocument: string | undefined
  readonly authorizationServers: readonly string[]
  readonly policy: ScopePolicy
  readonly readScopes: ScopeReader
  readonly origins: OriginPolicy
  readonly refusals: Refusals
  /** Absent when the cache is switched off. */
  readonly cache: VerifiedTokenCache | undefined
}

/** A loop, since a regular expression takes quadratic time for slashes inside the text. */
function withoutTrailingSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}

/** Reports a resource identifier that clients could not compare with the URL they use. */
export function checkResourceUrl(path: string, resource: string): ConfigurationProblem[] {
  const problem = (message: string): ConfigurationProblem[] => [{ path, message }]
  let url: URL
  try {
    url = new URL(resource)
  } catch {
    return problem('is not an absolute URL such as https://mcp.example.com/mcp')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return problem('must be an https URL')
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return problem('must use https; http is for loopback hosts only')
  }
  if (url.username !== '' || url.password !== '') return problem('must not contain credentials')
  if (resource.includes('#')) return problem('must not have a fragment (RFC 8707 section 2)')
  if (resource.includes('?')) return problem('must not have a query (RFC 8707 section 2)')
  const canonical = url.pathname === '/' ? url.origin : withoutTrailingSlashes(url.href)
  if (resource !== canonical) {
    return problem(`must be in canonical form, without a trailing slash: ${canonical}`)
  }
  return []
}

/** Finds the resource that a request is for. */
export type ResourceSelection = (
  path: string,
  host: string | undefined,
) => ProtectedResource | undefined

/**
 * Builds the selection. A single resource guards every path. With several, only their exact local
 * paths are served, since a path that a router might read as another resource's must not be judged by
 * the wrong audience; equal paths are told apart by an exact `Host`.
 */
export function createResourceSelection(
  resources: readonly ProtectedResource[],
): ResourceSelection {
  const [only] = resources
  if (resources.length === 1) return () => only
  const byPath = new Map<string, ProtectedResource[]>()
  for (const resource of resources) {
    byPath.set(resource.localPath, [...(byPath.get(resource.localPath) ?? []), resource])
  }
  return (path, host) => {
    const candidates = byPath.get(path)
    if (candidates === undefined || candidates.length === 1) return candidates?.[0]
    return candidates.find(({ url }) => url.host === normalizeHost(host, url.protocol))
  }
}
