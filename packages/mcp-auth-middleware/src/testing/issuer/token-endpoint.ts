import { createHash, randomUUID } from 'node:crypto'
import {
  accessTokenClaims,
  accessTokenHash,
  audienceClaim,
  issueAccessToken,
} from './access-token.js'
import { authenticateClient, type KnownClient } from './clients.js'
import {
  type EndpointRequest,
  type EndpointResponse,
  NO_STORE,
  Refusal,
  requireForm,
  requireParameter,
} from './endpoint.js'
import type { Grant } from './grants.js'
import { epochSeconds, type IssuerContext } from './issuer-context.js'
import { selectAudience } from './resource.js'

const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

function invalidGrant(): Refusal {
  return new Refusal('invalid_grant', 'the code or refresh token is not valid for this request')
}

function matchesChallenge(verifier: string, challenge: string): boolean {
  const digest = createHash('sha256').update(verifier).digest('base64url')
  return CODE_VERIFIER.test(verifier) && digest === challenge
}

/** Exchanges a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). */
function redeemCode(context: IssuerContext, client: KnownClient, form: URLSearchParams): Grant {
  const code = context.grants.findCode(requireParameter(form, 'code'))
  const verifier = requireParameter(form, 'code_verifier')
  if (code === undefined || code.grant.clientId !== client.clientId) throw invalidGrant()
  if (code.redirectUri !== form.get('redirect_uri')) throw invalidGrant()
  if (!matchesChallenge(verifier, code.codeChallenge)) throw invalidGrant()
  if (code.used) {
    // Somebody else has the code, and may have been the first to use it.
    context.grants.revoke(code.grant)
    throw invalidGrant()
  }
  selectAudience(form.getAll('resource'), code.grant.audience)
  code.used = true
  return code.grant
}

/** Spends a refresh token. A second use ends the whole family (RFC 9700 section 4.14.2). */
function redeemRefreshToken(
  context: IssuerContext,
  client: KnownClient,
  form: URLSearchParams,
): Grant {
  const refreshToken = context.grants.findRefreshToken(requireParameter(form, 'refresh_token'))
  if (refreshToken === undefined || refreshToken.grant.clientId !== client.clientId) {
    throw invalidGrant()
  }
  if (refreshToken.used) {
    context.grants.revoke(refreshToken.grant)
    throw invalidGrant()
  }
  selectAudience(form.getAll('resource'), refreshToken.grant.audience)
  narrowScopes(refreshToken.grant, form)
  refreshToken.used = true
  return refreshToken.grant
}

function narrowScopes(grant: Grant, form: URLSearchParams): readonly string[] {
  const requested = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
  if (requested.some((scope) => !grant.scopes.includes(scope))) {
    throw new Refusal('invalid_scope', 'scope is wider than what was granted')
  }
  return requested.length === 0 ? grant.scopes : requested
}

async function issueIdToken(
  context: IssuerContext,
  grant: Grant,
  accessToken: string,
): Promise<string> {
  const { subject, email, accessTokenLifetimeSeconds } = context.settings
  const issuedAt = epochSeconds(context)
  const claims = {
    iss: context.issuer(),
    sub: subject,
    aud: grant.clientId,
    iat: issuedAt,
    exp: issuedAt + accessTokenLifetimeSeconds,
    nonce: grant.nonce,
    at_hash: accessTokenHash(accessToken),
    ...(email !== undefined && { email, email_verified: true }),
  }
  return issueAccessToken(context, claims, { typ: 'JWT' })
}

/** Token endpoint: authorization codes and refresh tokens, errors as RFC 6749 section 5.2 has them. */
export async function answerToken(
  context: IssuerContext,
  request: EndpointRequest,
): Promise<EndpointResponse> {
  const form = requireForm(request)
  const client = authenticateClient(context.clients, request, form)
  const grantType = requireParameter(form, 'grant_type')
  if (grantType !== 'authorization_code' && grantType !== 'refresh_token') {
    throw new Refusal('unsupported_grant_type', 'this grant type is not offered')
  }
  const isRefresh = grantType === 'refresh_token'
  const grant = isRefresh
    ? redeemRefreshToken(context, client, form)
    : redeemCode(context, client, form)

  // A code exchange has no scope parameter (RFC 6749 section 4.1.3); one sent anyway is ignored.
  const scopes = isRefresh ? narrowScopes(grant, form) : grant.scopes
  const audience = selectAudience(form.getAll('resource'), grant.audience)
  const jti = randomUUID()
  grant.tokenIds.push(jti)
  const accessToken = await issueAccessToken(
    context,
    accessTokenClaims(context, {
      aud: audienceClaim(audience),
      client_id: grant.clientId,
      scope: scopes.length > 0 ? scopes.join(' ') : undefined,
      jti,
    }),
  )
  return {
    status: 200,
    headers: NO_STORE,
    body: {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: context.settings.accessTokenLifetimeSeconds,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      ...(client.mayRefresh && { refresh_token: context.grants.issueRefreshToken(grant) }),
      ...(scopes.includes('openid') && {
        id_token: await issueIdToken(context, grant, accessToken),
      }),
    },
  }
}
