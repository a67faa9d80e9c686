const oauthEndpoints: Readonly<Record<string, string>> = {
  '/oauth/authorize': 'authorize',
  '/oauth/callback': 'callback',
  '/oauth/introspect': 'introspect',
  '/oauth/par': 'par',
  '/oauth/register': 'register',
  '/oauth/revoke': 'revoke',
  '/oauth/token': 'token',
  '/oauth/userinfo': 'userinfo',
  '/account': 'account',
  '/.well-known/jwks.json': 'jwks',
}
/** Documents whose path may go on with that of the resource, or that of an issuer. */
const documents: readonly (readonly [path: string, name: string])[] = [
  ['/.well-known/oauth-protected-resource', 'resource-metadata'],
  ['/.well-known/oauth-authorization-server', 'server-metadata'],
  ['/.well-known/openid-configuration', 'openid-metadata'],
  ['/oauth/authorize', 'authorize'],
  ['/oauth/interaction', 'interaction'],
  ['/account', 'account'],
]
const otherEndpoints: Readonly<Record<string, string>> = {
  '/': 'home',
  '/health': 'health',
  '/health/live': 'health',
  '/health/ready': 'health',
  '/mcp': 'mcp',
}

/** What a request asked for, as a label: one of a fixed number of names. */
export interface Endpoint {
  readonly name: string
  /** Whether it is part of signing in, so that it counts in `oauth_requests_total`. */
  readonly oauth: boolean
}

/** Names the endpoint of a path, which Express finds in capitals and with a slash at the end too. */
export function endpointOf(requested: string): Endpoint {
  const lower = requested.toLowerCase()
  const path = lower.length > 1 && lower.endsWith('/') ? lower.slice(0, -1) : lower
  const known = oauthEndpoints[path]
  if (known !== undefined) return { name: known, oauth: true }
  const document = documents.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))
  if (document !== undefined) return { name: document[1], oauth: true }
  return { name: otherEndpoints[path] ?? 'other', oauth: false }
}
