import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import Provider, {
  type AccessToken,
  type ClientCredentials,
  type Configuration,
  type errors as Errors,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import type { ErrorView } from '../pages/pages.js'
import { createFindAccount } from './accounts.js'
import { ALLOWED_SCOPES, createAdapterFactory } from './adapter.js'
import { CLIENT_ERROR_EVENTS, clientKeysOutage, createClientKeysFetch } from './client-keys.js'
import { readConsentFacts, redirectFingerprint } from './consent-facts.js'
import { cookieNames } from './cookies.js'
import { PROOF_ALGORITHMS } from './dpop-proof.js'
import { currentScope } from './engine-scope.js'
import { extendRecords } from './extend-records.js'
import { createInteractionPolicy } from './interaction-policy.js'
import type { KeyRing } from './key-ring.js'
import { observeStorage } from './observed-storage.js'
import { mayIntrospect } from './own-introspection.js'
import type { EngineParts } from './parts.js'
import { PATHS } from './paths.js'
import { applyRequestRules, findResource } from './request-rules.js'
import { IDENTITY_SCOPES } from './resources.js'
import { matchesClientSecret } from './secrets.js'
import { shadowId } from './shadow-record.js'
import { useJwtOnce } from './single-use.js'

/** Name of an `extraParams` entry whose check runs for every authorization request. */
const REQUEST_RULES = 'mcp_request_rules'

function pageReason(error: Errors.OIDCProviderError | Error): ErrorView['reason'] {
  if (error instanceof errors.InvalidClient) return 'unknown_client'
  if (error instanceof errors.InvalidRedirectUri) return 'bad_redirect_uri'
  if (error instanceof errors.SessionNotFound) return 'expired'
  return error instanceof errors.OIDCProviderError ? 'bad_request' : 'server_error'
}

/** Keeps what a JWT stands for, so that it can be introspected and revoked like any other token. */
async function keepShadow(
  parts: EngineParts,
  token: AccessToken | ClientCredentials,
  payload: Readonly<Record<string, unknown>>,
): Promise<void> {
  const id = shadowId(parts.secrets, String(payload.jti))
  const { iat, exp } = payload
  const life = Number(exp) - Number(iat)
  const person =
    token.kind === 'AccessToken'
      ? { accountId: token.accountId, grantId: token.grantId, gty: token.gty }
      : {}
  await parts.storage.records(token.kind).upsert(
    id,
    {
      ...person,
      jti: id,
      kind: token.kind,
      iat: Number(iat),
      exp: Number(exp),
      clientId: token.clientId,
      ...(token.jkt === undefined ? {} : { jkt: token.jkt }),
      aud: token.aud,
      scope: token.scope,
      extra: token.extra,
      expiresWithSession: false,
    },
    life,
  )
}

function createConfiguration(
  parts: EngineParts,
  keys: KeyRing,
  revokeGrant: (grantId: string) => Promise<void>,
): Configuration {
  const { issuer, lifetimes, algorithm, storage, documents, pages, resources } = parts
  const isSecure = issuer.startsWith('https:')
  const cookie = { httpOnly: true, sameSite: 'lax', secure: isSecure, signed: false } as const
  return {
    adapter: createAdapterFactory({ storage, documents, revokeGrant }),
    allowOmittingSingleRegisteredRedirectUri: false,
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'picture', 'updated_at'],
    },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientBasedCORS: () => true,
    clientDefaults: { id_token_signed_response_alg: algorithm, token_endpoint_auth_method: 'none' },
    clockTolerance: 10,
    conformIdTokenClaims: false,
    cookies: {
      names: cookieNames(issuer),
      long: { ...cookie, path: '/' },
      short: cookie,
    },
    enabledJWA: {
      idTokenSigningAlgValues: [algorithm],
      dPoPSigningAlgValues: [...PROOF_ALGORITHMS],
    },
    expiresWithSession: async () => false,
    extraClientMetadata: { properties: [ALLOWED_SCOPES] },
    extraParams: {
      [REQUEST_RULES]: (ctx) => applyRequestRules(parts, ctx),
    },
    extraTokenClaims: async (_ctx, token) =>
      token.kind === 'AccessToken' && token.grantId !== undefined
        ? { grant_id: token.grantId }
        : undefined,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: parts.dpop },
      introspection: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => mayIntrospect(parts, client.clientId, token),
      },
      pushedAuthorizationRequests: { enabled: parts.pushedAuthorizationRequests },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) => {
          if (oneOf !== undefined) return oneOf
          if (resources.only === undefined) throw new errors.InvalidTarget('name a resource')
          return resources.only.resource
        },
        useGrantedResource: async () => true,
        getResourceServerInfo: (ctx, identifier) => findResource(parts, ctx, identifier),
      },
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    fetch: createClientKeysFetch(parts.publicFetch),
    findAccount: createFindAccount(parts),
    formats: {
      customizers: {
        jwt: async (_ctx, token, structured) => {
          await keepShadow(parts, token, structured.payload)
        },
      },
    },
    interactions: {
      policy: createInteractionPolicy(parts),
      url: (_ctx, interaction) => `${PATHS.interaction}/${interaction.uid}`,
    },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys: [{ ...keys.signingKey.jwk }] } as unknown as NonNullable<Configuration['jwks']>,
    loadExistingGrant: async ({ oidc }) => {
      const { client, session, result } = oidc
      if (client === undefined) return undefined
      const fresh = result?.consent?.grantId
      const grantId = fresh ?? session?.grantIdFor(client.clientId)
      if (typeof grantId !== 'string') return undefined
      if (fresh === undefined) {
        const facts = await readConsentFacts(parts, grantId)
        // A client whose redirect URIs have changed is not the one that was approved.
        if (facts?.redirects !== redirectFingerprint(client.redirectUris ?? [])) return undefined
      }
      const grant = await oidc.provider.Grant.find(grantId)
      return grant?.accountId === oidc.account?.accountId ? grant : undefined
    },
    pkce: { required: () => true },
    renderError: (ctx, _out, error) => {
      ctx.type = 'html'
      ctx.body = pages.error({
        status: ctx.status,
        reason: pageReason(error),
        requestId: randomUUID(),
      })
    },
    responseTypes: ['code'],
    revokeGrantPolicy: () => true,
    rotateRefreshToken: true,
    routes: {
      authorization: PATHS.authorize,
      introspection: PATHS.introspect,
      jwks: PATHS.jwks,
      pushed_authorization_request: PATHS.par,
      revocation: PATHS.revoke,
      token: PATHS.token,
    },
    scopes: [...IDENTITY_SCOPES],
    ttl: {
      AccessToken: lifetimes.accessToken,
      AuthorizationCode: lifetimes.code,
      ClientCredentials: lifetimes.accessToken,
      Grant: lifetimes.grant,
      IdToken: lifetimes.accessToken,
      Interaction: lifetimes.interaction,
      RefreshToken: lifetimes.refreshToken,
      Session: lifetimes.session,
    },
  }
}

/** Puts our policy in front of the engine, for one set of signing keys. */
export function createProvider(
  parts: EngineParts,
  keys: KeyRing,
  revokeGrant: (grantId: string) => Promise<void>,
): Provider {
  // What the engine calls back must not lose a failure of the storage.
  const seen = { ...parts, storage: observeStorage(parts.storage) }
  const provider = new Provider(parts.issuer, createConfiguration(seen, keys, revokeGrant))
  // Requests are built by us, see `engine-call.ts`; this makes the engine read their scheme.
  provider.proxy = true
  extendRecords(provider, seen.storage)
  const client = provider.Client.prototype
  Object.defineProperty(client, 'compareClientSecret', {
    value(this: { clientSecret?: string }, secret: string): boolean {
      return matchesClientSecret(secret, this.clientSecret)
    },
  })
  Object.defineProperty(client, 'redirectUriAllowed', {
    value(this: { redirectUris?: string[]; applicationType?: string }, uri: unknown): boolean {
      return (
        typeof uri === 'string' &&
        parts.isRedirectAllowed(
          {
            redirect_uris: this.redirectUris ?? [],
            application_type: this.applicationType === 'native' ? 'native' : 'web',
          },
          uri,
        )
      )
    },
  })
  // The engine looks first and writes later, which parallel uses of one JWT all get past.
  Object.defineProperty(provider.ReplayDetection, 'unique', {
    value: (issuer: string, id: string, expiresAt: number): Promise<boolean> =>
      useJwtOnce(parts.storage, issuer, id, expiresAt),
  })
  const noteClient = ({ oidc }: KoaContextWithOIDC): void => {
    const scope = currentScope()
    if (scope !== undefined) scope.clientId = oidc.client?.clientId
  }
  // Exceptions become the failure of the request, which is answered and reported by us; the engine and
  // its framework would print them.
  const noteFailure = (error: unknown): void => {
    const scope = currentScope()
    if (scope !== undefined) scope.failure ??= error
  }
  // The types of the engine list its own events only.
  const emitter: EventEmitter = provider
  emitter.on('error', noteFailure)
  provider.on('server_error', (_ctx, error) => noteFailure(error))
  for (const event of CLIENT_ERROR_EVENTS) {
    emitter.on(event, (_ctx, error) => {
      const outage = clientKeysOutage(error)
      if (outage !== undefined) noteFailure(outage)
    })
  }
  provider.on('grant.success', noteClient)
  provider.on('grant.error', noteClient)
  return provider
}
