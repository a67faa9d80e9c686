import { randomBytes } from 'node:crypto'
import type { SigningKey } from './access-tokens.js'
import { CLIENT_DOCUMENTS } from './client-documents.js'
import {
  type Answer,
  empty,
  type JsonObject,
  json,
  page,
  parseObject,
  type Received,
  redirect,
} from './exchange.js'
import type { Client, Grant, Parts, RefreshToken, RefreshTokens, Urls } from './parts.js'
import type { Routed } from './resource-server.js'

interface Code extends Grant {
  readonly redirectUri: string
  readonly codeChallenge: string
}

const NO_STORE = { 'cache-control': 'no-store' }
const random = (): string => randomBytes(24).toString('base64url')
const wordsOf = (text: string | null): string[] => (text ?? '').split(' ').filter(Boolean)
const oauthError = (status: number, error: string): Answer => json(status, { error }, NO_STORE)

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function basicCredentials(
  authorization: string | undefined,
): readonly [string, string] | undefined {
  const [scheme, value = ''] = (authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const [id = '', secret = ''] = Buffer.from(value, 'base64').toString().split(':')
  return [decodeURIComponent(id), decodeURIComponent(secret)]
}

/** What an authorization server holds, for tests that look at what is left behind. */
export interface AuthorizationServerState {
  readonly clients: ReadonlyMap<string, Client>
}

/**
 * Creates the routes of an authorization server at which everybody is signed in and has approved: a
 * request that is in order is answered with a code at once.
 */
export function createAuthorizationServer(
  parts: Parts,
  key: SigningKey,
): {
  readonly state: AuthorizationServerState
  readonly route: (urls: Urls, request: Received) => Routed | undefined
} {
  const clients = new Map<string, Client>()
  const codes = new Map<string, Code>()
  const refreshTokens = new Map<string, RefreshToken>()

  const tokens: RefreshTokens = {
    find: (value) => refreshTokens.get(value),
    ofClient: (id) => [...refreshTokens.values()].filter(({ clientId }) => clientId === id),
    issue({ clientId, scopes, resource }) {
      const value = random()
      refreshTokens.set(value, { clientId, scopes, resource, revoked: false })
      return value
    },
  }

  function findClient(id: string): Client | undefined {
    const registered = clients.get(id)
    if (registered !== undefined) return registered
    const document = CLIENT_DOCUMENTS.get(id)
    if (document === undefined || !parts.acceptsClientDocument(document)) return undefined
    return {
      id,
      redirectUris: stringsOf(document.redirect_uris),
      scopes: parts.registeredScopes(undefined),
      authMethod: 'none',
      secret: undefined,
      managementToken: '',
      document,
    }
  }

  function register({ issuer }: Urls, { body }: Received): Answer {
    const asked = parseObject(body)
    const uris = stringsOf(asked?.redirect_uris)
    if (asked === undefined || uris.length === 0) return oauthError(400, 'invalid_client_metadata')
    const redirectUris = parts.keptRedirectUris(uris, asked)
    if (redirectUris === undefined) return oauthError(400, 'invalid_redirect_uri')
    if (!parts.acceptsGrants(stringsOf(asked.grant_types))) {
      return oauthError(400, 'invalid_client_metadata')
    }
    const { scope, client_name, application_type, token_endpoint_auth_method } = asked
    const authMethod = String(token_endpoint_auth_method ?? 'client_secret_basic')
    const scopes = parts.registeredScopes(typeof scope === 'string' ? scope : undefined)
    const [id, secret, managementToken] = [random(), random(), random()]
    const client: Client = {
      id,
      redirectUris,
      scopes,
      authMethod,
      secret: authMethod === 'none' ? undefined : secret,
      managementToken,
      document: {
        client_id: id,
        client_id_issued_at: Math.floor(Date.now() / 1000),
        client_name,
        application_type,
        ...(authMethod === 'none' ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
        redirect_uris: redirectUris,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: authMethod,
        scope: scopes.join(' '),
        registration_client_uri: `${issuer}/register/${id}`,
        registration_access_token: managementToken,
      },
    }
    clients.set(id, client)
    return parts.registration(client)
  }

  function manage({ method, path, headers }: Received): Answer {
    const client = clients.get(path.split('/').at(-1) ?? '')
    if (client === undefined || headers.authorization !== `Bearer ${client.managementToken}`) {
      return oauthError(401, 'invalid_token')
    }
    if (method === 'GET') return json(200, client.document, NO_STORE)
    if (method !== 'DELETE') return empty(405, { allow: 'GET, DELETE' })
    clients.delete(client.id)
    return empty(204)
  }

  function authorize(urls: Urls, { query }: Received): Answer {
    const client = findClient(query.get('client_id') ?? '')
    const redirectUri = query.get('redirect_uri') ?? ''
    if (client === undefined) return page(400, 'This app is not known here')
    if (!parts.matchesRedirectUri(client.redirectUris, redirectUri)) {
      return page(400, 'This address does not belong to the app')
    }
    const back = (parameters: Readonly<Record<string, string>>): Answer => {
      const url = new URL(redirectUri)
      const state = query.get('state')
      const iss = parts.issuerParameter(urls, 'error' in parameters ? 'error' : 'code')
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
      if (state !== null) url.searchParams.set('state', state)
      if (iss !== undefined) url.searchParams.set('iss', iss)
      return redirect(url.href)
    }
    if (query.get('response_type') !== 'code') return back({ error: 'unsupported_response_type' })
    const codeChallenge = query.get('code_challenge')
    if (!parts.acceptsCodeChallenge(codeChallenge, query.get('code_challenge_method'))) {
      return back({ error: 'invalid_request' })
    }
    const resource = query.get('resource') ?? urls.resource
    if (resource !== urls.resource) return back({ error: 'invalid_target' })
    const scopes = parts.grantedScopes(client, wordsOf(query.get('scope')))
    if (scopes === undefined) return back({ error: 'invalid_scope' })
    const code = random()
    codes.set(code, {
      clientId: client.id,
      redirectUri,
      codeChallenge: codeChallenge ?? '',
      scopes,
      resource,
    })
    return back({ code })
  }

  function redeem(clientId: string, form: URLSearchParams): Grant | undefined {
    const value = form.get('code') ?? ''
    const code = codes.get(value)
    codes.delete(value)
    if (code === undefined || code.clientId !== clientId) return undefined
    if (code.redirectUri !== form.get('redirect_uri')) return undefined
    if ((form.get('resource') ?? code.resource) !== code.resource) return undefined
    const verifier = form.get('code_verifier') ?? ''
    return parts.verifiesCode(code.codeChallenge, verifier) ? code : undefined
  }

  function answerWithTokens(urls: Urls, grant: Grant, refreshToken: string): Answer {
    const document: JsonObject = {
      access_token: key.mint(parts.claims(urls, grant, Math.floor(Date.now() / 1000))),
      token_type: 'Bearer',
      scope: grant.scopes.join(' '),
      refresh_token: refreshToken,
    }
    return json(200, parts.tokenAnswer(document), NO_STORE)
  }

  function authenticate({ headers }: Received, form: URLSearchParams): Client | undefined {
    const basic = basicCredentials(headers.authorization)
    const client = findClient(basic?.[0] ?? form.get('client_id') ?? '')
    if (client === undefined) return undefined
    const secret = basic?.[1] ?? form.get('client_secret') ?? undefined
    return secret === client.secret ? client : undefined
  }

  function token(urls: Urls, request: Received): Answer {
    const form = new URLSearchParams(request.body)
    const client = authenticate(request, form)
    if (client === undefined) return oauthError(401, 'invalid_client')
    if (form.get('grant_type') === 'authorization_code') {
      const grant = redeem(client.id, form)
      if (grant === undefined) return oauthError(400, 'invalid_grant')
      parts.startGrant(tokens, grant)
      return answerWithTokens(urls, grant, tokens.issue(grant))
    }
    if (form.get('grant_type') !== 'refresh_token') return oauthError(400, 'unsupported_grant_type')
    const outcome = parts.refresh(tokens, form.get('refresh_token') ?? '', {
      clientId: client.id,
      resource: form.get('resource') ?? undefined,
    })
    if (outcome.kind === 'error') return oauthError(400, outcome.error)
    const grant = tokens.find(outcome.value)
    if (grant === undefined) return oauthError(400, 'invalid_grant')
    return answerWithTokens(urls, grant, outcome.value)
  }

  function revoke({ body }: Received): Answer {
    refreshTokens.delete(new URLSearchParams(body).get('token') ?? '')
    return empty(200)
  }

  return {
    state: { clients },
    route(urls, request) {
      const { method, path } = request
      const base = new URL(urls.issuer).pathname.replace(/\/$/, '')
      const only = (wanted: string, answer: () => Answer) => (): Answer =>
        method === wanted ? answer() : empty(405, { allow: wanted })
      if (parts.serverMetadataPaths(urls).includes(path)) {
        return {
          endpoint: 'server metadata',
          answer: () => json(200, parts.serverMetadata(urls, path)),
        }
      }
      if (path === `${base}/keys`) {
        return { endpoint: 'keys', answer: () => json(200, { keys: [key.jwk] }) }
      }
      if (path === `${base}/register`) {
        return { endpoint: 'register', answer: only('POST', () => register(urls, request)) }
      }
      if (path.startsWith(`${base}/register/`)) {
        return { endpoint: 'register', answer: () => manage(request) }
      }
      if (path === `${base}/authorize`) {
        return { endpoint: 'authorize', answer: only('GET', () => authorize(urls, request)) }
      }
      if (path === `${base}/token`) {
        return { endpoint: 'token', answer: only('POST', () => token(urls, request)) }
      }
      if (path === `${base}/revoke`) {
        return { endpoint: 'revoke', answer: only('POST', () => revoke(request)) }
      }
      return undefined
    },
  }
}
