import { createHash, randomBytes } from 'node:crypto'
import { CLIENT_DOCUMENTS } from './client-documents.js'
import { empty, json } from './exchange.js'
import type { Endpoint, Parts, Urls } from './parts.js'

/** Scopes of the resource. */
export const SCOPES = ['notes.read', 'notes.write']
/** Scopes of the authorization server. */
const GRANTABLE = [...SCOPES, 'offline_access']
const GRANTS = ['authorization_code', 'refresh_token']
const ACCESS_TOKEN_SECONDS = 600

const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
].join(', ')

const METHODS: Readonly<Record<Endpoint, string>> = {
  mcp: 'GET, HEAD, POST, DELETE',
  'resource metadata': 'GET, HEAD',
  'server metadata': 'GET, HEAD',
  keys: 'GET, HEAD',
  register: 'POST, GET, DELETE',
  authorize: 'GET, POST',
  token: 'POST',
  revoke: 'POST',
  nothing: 'GET, HEAD',
}

const pathOf = (url: string): string => new URL(url).pathname.replace(/\/$/, '')
const originOf = (url: string): string => new URL(url).origin

/** The address of the metadata that belongs to the path of the resource (RFC 9728 section 3.1). */
export function resourceMetadataUrl({ resource }: Urls): string {
  return `${originOf(resource)}/.well-known/oauth-protected-resource${pathOf(resource)}`
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
}

/** Equal but for the port of a loopback address, which native clients choose at each start (RFC 8252 7.3). */
function isSameRedirectUri(registered: string, asked: string): boolean {
  if (registered === asked) return true
  const [left, right] = [new URL(registered), new URL(asked)]
  if (!isLoopback(left) || !isLoopback(right)) return false
  return (
    left.hostname === right.hostname &&
    left.pathname === right.pathname &&
    left.search === right.search
  )
}

function isUsableRedirectUri(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const url = new URL(uri)
  if (url.hash !== '' || url.username !== '' || url.password !== '') return false
  return (
    url.protocol === 'https:' ||
    isLoopback(url) ||
    uri === 'cursor://anysphere.cursor-mcp/oauth/callback'
  )
}

/** A server in which nothing is wrong: what clients of all kinds need, and what the specifications ask. */
export const healthy: Parts = {
  urls: (configured) => configured,

  letsIn: () => false,
  challenge: (urls, refusal) => {
    const parameters = [
      ...(refusal === 'bad token' ? ['error="invalid_token"'] : []),
      ...(refusal === 'missing scope' ? ['error="insufficient_scope"'] : []),
      'scope="notes.read"',
      `resource_metadata="${resourceMetadataUrl(urls)}"`,
    ]
    return `Bearer ${parameters.join(', ')}`
  },
  refuse: (challenge, refusal) =>
    json(
      refusal === 'missing scope' ? 403 : 401,
      { error: refusal === 'no token' ? 'unauthorized' : 'invalid_token' },
      { 'www-authenticate': challenge, 'cache-control': 'no-store' },
    ),
  resourceMetadataPaths: (urls) => [
    new URL(resourceMetadataUrl(urls)).pathname,
    '/.well-known/oauth-protected-resource',
  ],
  resourceMetadata: ({ resource, issuer }) => ({
    resource,
    authorization_servers: [issuer],
    scopes_supported: SCOPES,
    bearer_methods_supported: ['header'],
    resource_name: 'Notes',
  }),
  acceptsClaims: ({ resource, issuer }, { iss, aud, exp }) =>
    iss === issuer && aud === resource && typeof exp === 'number' && exp > Date.now() / 1000,

  serverMetadataPaths: ({ issuer }) => {
    const path = pathOf(issuer)
    const names = ['oauth-authorization-server', 'openid-configuration']
    return names.flatMap((name) => [`/.well-known/${name}${path}`, `${path}/.well-known/${name}`])
  },
  serverMetadata: ({ issuer }) => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: `${issuer}/keys`,
    scopes_supported: GRANTABLE,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: GRANTS,
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    revocation_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
    // Members that the schema of an OpenID document requires.
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  }),
  keptRedirectUris: (asked) => {
    const kept = asked.filter(isUsableRedirectUri)
    return kept.length === 0 ? undefined : kept
  },
  // Clients name the grants that the metadata lists, and no others.
  acceptsGrants: (asked) => asked.every((grant) => GRANTS.includes(grant)),
  registeredScopes: (asked) =>
    asked === undefined ? GRANTABLE : asked.split(' ').filter((name) => GRANTABLE.includes(name)),
  registration: ({ document }) => json(201, document, { 'cache-control': 'no-store' }),
  // Grants and methods that are not known here are for other servers: a client has one document for all.
  acceptsClientDocument: ({ client_name, redirect_uris }) =>
    typeof client_name === 'string' && Array.isArray(redirect_uris),
  matchesRedirectUri: (registered, asked) =>
    URL.canParse(asked) && registered.some((uri) => isSameRedirectUri(uri, asked)),
  acceptsCodeChallenge: (challenge, method) =>
    method === 'S256' && /^[\w-]{43}$/.test(challenge ?? ''),
  verifiesCode: (challenge, verifier) =>
    createHash('sha256').update(verifier).digest('base64url') === challenge,
  grantedScopes: (client, asked) => {
    if (asked.length === 0) return client.scopes
    return asked.every((name) => GRANTABLE.includes(name)) ? asked : undefined
  },
  issuerParameter: ({ issuer }) => issuer,
  claims: ({ issuer }, { clientId, scopes, resource }, now) => ({
    iss: issuer,
    sub: 'ann',
    aud: resource,
    client_id: clientId,
    scope: scopes.join(' '),
    iat: now,
    exp: now + ACCESS_TOKEN_SECONDS,
    jti: randomBytes(16).toString('hex'),
  }),
  startGrant: () => undefined,
  tokenAnswer: (document) => ({ ...document, expires_in: ACCESS_TOKEN_SECONDS }),
  refresh: (tokens, value, { clientId, resource }) => {
    const token = tokens.find(value)
    const wrong: { kind: 'error'; error: string } = { kind: 'error', error: 'invalid_grant' }
    if (token === undefined || token.revoked || token.clientId !== clientId) return wrong
    if (resource !== undefined && resource !== token.resource) return wrong
    const next = token.successor === undefined ? undefined : tokens.find(token.successor)
    // Its answer may have been lost, so a token works until the one that took its place was used.
    if (token.successor !== undefined && next?.successor === undefined) {
      return { kind: 'token', value: token.successor }
    }
    if (next !== undefined) {
      next.revoked = true
      return wrong
    }
    token.successor = tokens.issue(token)
    return { kind: 'token', value: token.successor }
  },

  unknown: () => json(404, { error: 'not_found' }),
  preflight: (endpoint) =>
    empty(204, {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': METHODS[endpoint],
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': '600',
    }),
  corsHeaders: (endpoint) => ({
    'access-control-allow-origin': '*',
    ...(endpoint === 'mcp'
      ? { 'access-control-expose-headers': 'WWW-Authenticate, Mcp-Session-Id' }
      : {}),
  }),
  proxy: (answer) => answer,
  vendor: (documentUrl) => {
    const document = CLIENT_DOCUMENTS.get(documentUrl)
    return document === undefined ? json(404, { error: 'not_found' }) : json(200, document)
  },
}
