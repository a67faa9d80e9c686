import { userClaims } from './accounts.js'
import type { Engine } from './engine.js'
import { type Answer, type EndpointRequest, jsonAnswer, oauthError } from './http.js'
import { findOwnToken } from './own-token.js'

function challenge(status: number, error: string, extra = ''): Answer {
  return oauthError(status, error, undefined, {
    'www-authenticate': `Bearer error="${error}"${extra}`,
  })
}

/**
 * Answers `/oauth/userinfo` for our resource-bound JWTs, which the engine would refuse.
 *
 * @see OpenID Connect Core section 5.3
 */
export async function answerUserinfo(engine: Engine, request: EndpointRequest): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'POST') {
    return oauthError(405, 'invalid_request', 'use GET or POST', { allow: 'GET, HEAD, POST' })
  }
  const header = request.headers.authorization
  if (header === undefined || !/^bearer(?: |$)/i.test(header)) {
    // RFC 6750 section 3.1: no credentials, no error code.
    return jsonAnswer(401, { error: 'unauthorized' }, { 'www-authenticate': 'Bearer' })
  }
  const credential = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header)?.[1]
  const token = credential === undefined ? undefined : await findOwnToken(engine, credential)
  if (token?.grantId === undefined) return challenge(401, 'invalid_token')

  const grant = await engine.provider.Grant.find(token.grantId)
  const user = await engine.parts.storage.users.find(token.subject)
  if (grant === undefined || user?.status !== 'active') return challenge(401, 'invalid_token')
  const scopes = new Set(grant.getOIDCScope().split(' '))
  if (!scopes.has('openid')) {
    return challenge(403, 'insufficient_scope', ', scope="openid"')
  }
  return jsonAnswer(200, userClaims(user, scopes))
}
