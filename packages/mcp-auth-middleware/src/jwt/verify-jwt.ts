import type { VerdictReuse } from '../validators/validator.js'
import { isJwsAlgorithm, type JwsAlgorithm } from './algorithms.js'
import {
  claimOf,
  identityProblem,
  readAudience,
  readClientId,
  type TimePolicy,
  timeProblem,
} from './claims.js'
import { decodeJsonObject, type JsonObject, parseCompactJws } from './compact-jws.js'
import { deepFreeze } from './deep-freeze.js'
import type { KeyCandidate } from './held-keys.js'
import type { KeyLookup, KeySet } from './key-set.js'
import type { JwtReason, KeyFetchReason } from './reasons.js'
import { verifySignature } from './verify-signature.js'

/** What a token must be like. Built once for each validator. */
export interface JwtPolicy extends TimePolicy {
  readonly algorithms: ReadonlySet<JwsAlgorithm>
  /** Lower-case `typ` values without `application/`; `undefined` stands for a missing one. */
  readonly types: ReadonlySet<string | undefined>
  /** The `iss` that these claims must carry; `undefined` when there is none for them. */
  readonly expectIssuer: (issuer: string, payload: JsonObject) => boolean
  /** Values of which one must be in `aud`; `undefined`: `aud` is not looked at. */
  readonly audiences: ReadonlySet<string> | undefined
  /** Set when the client, not the audience, binds the token to this server. */
  readonly bindingClients: ReadonlySet<string> | undefined
  readonly clientIdClaims: readonly string[]
  readonly requireClaims: readonly string[]
  readonly subjectOptional: boolean
  readonly tokenKind: (header: JsonObject, payload: JsonObject) => string | undefined
  /** Whether a key that names an issuer may verify a token with these claims. */
  readonly acceptsKeyIssuer: (keyIssuer: string, payload: JsonObject) => boolean
  readonly keySetOf: (issuer: string) => KeySet
}

/** Outcome of {@link verifyJwt}. */
export type JwtOutcome =
  | {
      readonly kind: 'verified'
      readonly issuer: string
      /** Frozen with everything in it. */
      readonly claims: JsonObject
      /** As of the look-up of the keys, before the signature was checked. */
      readonly reuse: VerdictReuse
    }
  | { readonly kind: 'rejected'; readonly reason: string }
  | {
      readonly kind: 'unavailable'
      readonly retryAfterSeconds: number
      readonly reason: KeyFetchReason
    }

interface CheckedHeader {
  readonly header: JsonObject
  readonly alg: JwsAlgorithm
  readonly kid: string | undefined
}

function checkHeader(header: JsonObject, policy: JwtPolicy): CheckedHeader | JwtReason {
  const alg = claimOf(header, 'alg')
  const typ = claimOf(header, 'typ')
  const kid = claimOf(header, 'kid')
  if (!isJwsAlgorithm(alg) || !policy.algorithms.has(alg)) return 'alg_not_allowed'
  if (typ !== undefined && typeof typ !== 'string') return 'typ_not_allowed'
  // RFC 7515 section 4.1.9: media types are compared without case, "application/" may be left out.
  if (!policy.types.has(typ?.toLowerCase().replace(/^application\//, ''))) return 'typ_not_allowed'
  // No extension is understood, and an unencoded payload (RFC 7797) is never one of ours.
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) return 'critical_header'
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) return 'kid_invalid'
  return { header, alg, kid }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function audienceProblem(payload: JsonObject, policy: JwtPolicy): JwtReason | undefined {
  const { audiences, bindingClients } = policy
  if (audiences !== undefined) {
    const presented = readAudience(payload)
    if (typeof presented === 'string') return presented
    if (!presented.some((audience) => audiences.has(audience))) return 'audience_mismatch'
  }
  const clientId = readClientId(payload, policy.clientIdClaims)
  if (typeof clientId === 'object') return clientId.problem
  if (bindingClients !== undefined && !(clientId !== undefined && bindingClients.has(clientId))) {
    return 'client_not_listed'
  }
  return undefined
}

/** Checks everything that the claims say, in the order of what it costs. */
function claimsProblem(
  { header }: CheckedHeader,
  payload: JsonObject,
  policy: JwtPolicy,
  nowSeconds: number,
  isProven: boolean | undefined,
): string | undefined {
  const issuer = claimOf(payload, 'iss')
  if (typeof issuer !== 'string' || !policy.expectIssuer(issuer, payload)) return 'issuer_mismatch'
  const problem =
    audienceProblem(payload, policy) ??
    timeProblem(payload, nowSeconds, policy) ??
    identityProblem(payload, policy.subjectOptional, isProven) ??
    policy.tokenKind(header, payload)
  if (problem !== undefined) return problem
  const isComplete = policy.requireClaims.every((name) => isPresent(claimOf(payload, name)))
  return isComplete ? undefined : 'claim_missing'
}

/**
 * Verifies one access token: cheap checks first, the signature last, so that a forged token costs as
 * little as garbage. Key material and URLs in the header (`jwk`, `jku`, `x5c`, `x5u`) are ignored.
 *
 * Does not throw for anything that a token contains. An outage of the issuer is `unavailable`.
 *
 * @param isProven - the caller verifies a proof of the key that the token is bound to. Default false.
 * @see RFC 8725 section 3, RFC 9068 section 4
 */
export async function verifyJwt(
  token: string,
  policy: JwtPolicy,
  nowMilliseconds: number,
  isProven?: boolean,
): Promise<JwtOutcome> {
  const rejected = (reason: string): JwtOutcome => ({ kind: 'rejected', reason })

  const jws = parseCompactJws(token)
  if (typeof jws === 'string') return rejected(jws)
  const checked = checkHeader(jws.header, policy)
  if (typeof checked === 'string') return rejected(checked)
  const payload = decodeJsonObject(jws.payload)
  if (payload === undefined) return rejected('payload_invalid')
  const problem = claimsProblem(checked, payload, policy, nowMilliseconds / 1000, isProven)
  if (problem !== undefined) return rejected(problem)

  const issuer = String(payload.iss)
  const keySet = policy.keySetOf(issuer)
  const { alg, kid } = checked
  const found = keySet.lookup(alg, kid)
  const lookup: KeyLookup = found instanceof Promise ? await found : found
  if (lookup.kind === 'unavailable') return lookup
  if (lookup.kind === 'unknown') return rejected(lookup.reason)

  const admits = ({ issuer: keyIssuer }: KeyCandidate): boolean =>
    keyIssuer === undefined || policy.acceptsKeyIssuer(keyIssuer, payload)
  const candidates = lookup.candidates.filter(admits)
  if (candidates.length === 0) return rejected('key_issuer_mismatch')
  if (!(await verifySignature(token, alg, candidates))) {
    // A key may have been replaced under the same kid.
    const fresh = (await keySet.lookupAgain(alg, kid, lookup.candidates)).filter(admits)
    if (!(await verifySignature(token, alg, fresh))) return rejected('bad_signature')
  }
  return { kind: 'verified', issuer, claims: deepFreeze(payload), reuse: lookup.reuse }
}
