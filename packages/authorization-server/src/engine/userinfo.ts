import { verifyDpopProof } from '@bestviable/mcp-auth-middleware/dpop'
import { userClaims } from './accounts.js'
import { PROOF_ALGORITHMS, readProof } from './dpop-proof.js'
import type { Engine } from './engine.js'
import { type Answer, type EndpointRequest, jsonAnswer, oauthError } from './http.js'
import { findOwnToken, type OwnToken } from './own-token.js'
import { PATHS } from './paths.js'

function challenge(status: number, error: string, extra = '', scheme = 'Bearer'): Answer {
  return oauthError(status, error, undefined, {
    'www-authenticate': `${scheme} error="${error}"${extra}`,
  })
}

/** Oldest proof, in seconds. */
const PROOF_SECONDS = 60
const PROOF_ALGS = `algs="${PROOF_ALGORITHMS.join(' ')}"`

/** Tells whether a request proves that it comes from the holder of the key of a token, for the first time. */
async function isProven(
  engine: Engine,
  request: EndpointRequest,
  credential: string,
  token: OwnToken,
): Promise<boolean> {
  const { issuer, now } = engine.parts
  const proof = await verifyDpopProof(readProof(request) ?? '', {
    method: request.method,
    url: new URL(issuer + PATHS.userinfo),
    accessToken: credential,
    algorithms: PROOF_ALGORITHMS,
    maxAgeSeconds: PROOF_SECONDS,
    now: now(),
  })
  if (proof === undefined || proof.thumbprint !== token.record.jkt) return false
  // A second more, since what is kept to the second may end within it.
  const until = Math.ceil(proof.usableUntil / 1000) + 1
  return engine.provider.ReplayDetection.unique(token.clientId, proof.id, until)
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
  const { dpop } = engine.parts
  const header = request.headers.authorization
  const scheme = /^([a-z]+)(?: |$)/i.exec(header ?? '')?.[1]?.toLowerCase()
  if (header === undefined || !(scheme === 'bearer' || (scheme === 'dpop' && dpop))) {
    // RFC 6750 section 3.1: no credentials, no error code.
    const offered = dpop ? `Bearer, DPoP ${PROOF_ALGS}` : 'Bearer'
    return jsonAnswer(401, { error: 'unauthorized' }, { 'www-authenticate': offered })
  }
  const credential = /^[a-z]+ +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header)?.[1]
  const token = credential === undefined ? undefined : await findOwnToken(engine, credential)
  const isBound = token?.record.jkt !== undefined
  if (scheme === 'dpop') {
    if (credential === undefined || token === undefined || !isBound) {
      return challenge(401, 'invalid_token', `, ${PROOF_ALGS}`, 'DPoP')
    }
    if (!(await isProven(engine, request, credential, token))) {
      return challenge(401, 'invalid_dpop_proof', `, ${PROOF_ALGS}`, 'DPoP')
    }
  }
  // A token that is bound to a key is nothing without its proof.
  if (token?.grantId === undefined || isBound !== (scheme === 'dpop')) {
    return challenge(401, 'invalid_token')
  }

  const grant = await engine.provider.Grant.find(token.grantId)
  const user = await engine.parts.storage.users.find(token.subject)
  if (grant === undefined || user?.status !== 'active') return challenge(401, 'invalid_token')
  const scopes = new Set(grant.getOIDCScope().split(' '))
  if (!scopes.has('openid')) {
    return challenge(403, 'insufficient_scope', ', scope="openid"')
  }
  return jsonAnswer(200, userClaims(user, scopes))
}
