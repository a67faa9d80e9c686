import { readAccessToken } from './access-token.js'
import { authenticateClient } from './clients.js'
import type { JsonMembers } from './compact-jws.js'
import {
  type EndpointRequest,
  type EndpointResponse,
  NO_STORE,
  Refusal,
  requireForm,
  requireParameter,
} from './endpoint.js'
import { epochSeconds, type IssuerContext } from './issuer-context.js'

async function findActive(context: IssuerContext, token: string): Promise<JsonMembers | undefined> {
  const opaque = context.grants.findOpaque(token)
  if (opaque === undefined) return readAccessToken(context, token)
  const { exp } = opaque
  return typeof exp === 'number' && exp <= epochSeconds(context) ? undefined : opaque
}

/**
 * Token introspection (RFC 7662). The caller must have a secret. Clients named in the options are
 * told about every token, registered ones only about their own.
 */
export async function answerIntrospection(
  context: IssuerContext,
  request: EndpointRequest,
): Promise<EndpointResponse> {
  const form = requireForm(request)
  const client = authenticateClient(context.clients, request, form)
  if (client.clientSecret === undefined) {
    throw new Refusal('invalid_client', 'introspection needs a client with a secret', 401)
  }
  const claims = await findActive(context, requireParameter(form, 'token'))
  const isVisible = client.configured || claims?.client_id === client.clientId
  return {
    status: 200,
    headers: NO_STORE,
    body:
      claims === undefined || !isVisible
        ? { active: false }
        : { token_type: 'Bearer', ...claims, active: true },
  }
}

/** Token revocation (RFC 7009): always 200, whether or not there was something to revoke. */
export async function answerRevocation(
  context: IssuerContext,
  request: EndpointRequest,
): Promise<EndpointResponse> {
  const form = requireForm(request)
  const client = authenticateClient(context.clients, request, form)
  const token = requireParameter(form, 'token')

  const refreshToken = context.grants.findRefreshToken(token)
  if (refreshToken?.grant.clientId === client.clientId) context.grants.revoke(refreshToken.grant)

  const claims = await findActive(context, token)
  if (claims?.client_id === client.clientId) {
    context.grants.deleteOpaque(token)
    if (typeof claims.jti === 'string') context.grants.revokeTokenId(claims.jti)
  }
  return { status: 200, headers: NO_STORE }
}
