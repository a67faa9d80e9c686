import type { VerifiedToken } from '../jwt/verified-token-cache.js'
import type { Principal } from '../principal.js'
import { sha256 } from '../runtime.js'
import type { TokenValidator, Verdict } from '../validators/validator.js'
import { acceptPrincipal } from './accepted-principal.js'
import type { AllowList } from './allow-list.js'
import { type BearerCredential, bearerTokenProblem, readBearerCredential } from './bearer-token.js'
import type { ProofOfPossession } from './proof-of-possession.js'
import type { ProtectedResource } from './protected-resource.js'
import { cookieOf, headerOf, isRepeated, type RequestView } from './request-view.js'
import type { RevocationSource } from './revocation.js'
import type { ValidatorSelection } from './select-validator.js'

/** Longest credential that is looked at, in characters. */
export const MAX_CREDENTIAL_LENGTH = 8192

/** What is known about the caller of one request. */
export type Authentication =
  | {
      readonly kind: 'authenticated'
      readonly token: VerifiedToken
      readonly credential: string
      readonly cached: boolean
    }
  | { readonly kind: 'unauthenticated' }
  | { readonly kind: 'malformed'; readonly status: 400 | 401; readonly reason: string }
  | {
      readonly kind: 'rejected' | 'forbidden'
      readonly reason: string
      readonly validator?: TokenValidator | undefined
      readonly principal?: Principal | undefined
    }
  | {
      readonly kind: 'unavailable'
      readonly retryAfterSeconds: number
      readonly reason: string
      readonly validator?: TokenValidator | undefined
    }
  | {
      readonly kind: 'failed'
      readonly reason: string
      readonly validator?: TokenValidator | undefined
    }

/** Judges the credential of a request for one resource. */
export type Authenticate = (
  view: RequestView,
  resource: ProtectedResource,
  now: number,
) => Authentication | Promise<Authentication>

/** Parts that the steps of authentication need. */
export interface AuthenticationParts {
  readonly validators: readonly TokenValidator[]
  readonly select: ValidatorSelection
  readonly allows: AllowList | undefined
  readonly revocation: RevocationSource | undefined
  readonly dpop?: ProofOfPossession | undefined
  /** Told which validator rechecks a principal, for its open streams. */
  readonly onVerified?: ((principal: Principal, validator: TokenValidator) => void) | undefined
}

type Presented =
  | {
      readonly kind: 'presented'
      readonly credential: string
      /** Set when the credential came by a header of its own. */
      readonly validator: TokenValidator | undefined
      readonly isProven?: boolean
    }
  | Exclude<BearerCredential, { kind: 'present' }>

const REPEATED: Presented = { kind: 'malformed', status: 400, reason: 'credential_repeated' }
const TWO_METHODS: Presented = { kind: 'malformed', status: 400, reason: 'two_methods' }

/** Whether a request carries the own header of a validator. */
export function presentsHeaderOf(view: RequestView, validator: TokenValidator): boolean {
  const name = validator.selects.header?.name
  return name !== undefined && headerOf(view, name) !== undefined
}

/** Finds the one credential of a request. Two at once are refused, never merged. */
function extractCredential(
  view: RequestView,
  withHeader: readonly TokenValidator[],
  dpop: ProofOfPossession | undefined,
): Presented {
  const bound = dpop?.read(view)
  const isProven = bound !== undefined && bound.kind !== 'absent'
  const bearer = isProven ? bound : readBearerCredential(view)
  let own: { credential: string; validator: TokenValidator } | undefined

  for (const validator of withHeader) {
    const { header } = validator.selects
    if (header === undefined) continue
    const value =
      headerOf(view, header.name) ??
      (header.cookie === undefined ? undefined : cookieOf(view, header.cookie))
    if (value === undefined || value === '') continue
    if (isRepeated(view, header.name)) return REPEATED
    if (own !== undefined) return TWO_METHODS
    own = { credential: value, validator }
  }
  if (own !== undefined) {
    if (bearer.kind !== 'absent' && own.validator.selects.header?.wins !== true) return TWO_METHODS
    return { kind: 'presented', ...own }
  }
  return bearer.kind === 'present'
    ? { kind: 'presented', credential: bearer.token, validator: undefined, isProven }
    : bearer
}

/** Own headers hold whatever their validator defines; only Bearer tokens have a fixed alphabet. */
function characterProblem(
  presented: Extract<Presented, { kind: 'presented' }>,
): Authentication | undefined {
  return presented.validator === undefined ? bearerTokenProblem(presented.credential) : undefined
}

function fromVerdict(
  verdict: Exclude<Verdict, { kind: 'accepted' }>,
  validator: TokenValidator,
): Authentication {
  switch (verdict.kind) {
    case 'rejected':
    case 'forbidden':
      return { kind: verdict.kind, reason: verdict.reason, validator }
    case 'unavailable':
      return {
        kind: 'unavailable',
        retryAfterSeconds: verdict.retryAfterSeconds,
        reason: verdict.reason ?? 'validator_unavailable',
        validator,
      }
    // Reached by validators that are not type-checked.
    default:
      return { kind: 'failed', reason: 'verdict_invalid', validator }
  }
}

/**
 * Runs a step that calls a validator, a revocation source or a selector. Whatever is thrown there is
 * a bug, never a bad token, and must be answered and reported like one.
 */
function containThrows(
  validator: TokenValidator | undefined,
  step: () => Authentication | Promise<Authentication>,
): Authentication | Promise<Authentication> {
  const failed: Authentication = { kind: 'failed', reason: 'validator_threw', validator }
  try {
    const result = step()
    return result instanceof Promise ? result.catch(() => failed) : result
  } catch {
    return failed
  }
}

/** Builds the authentication steps. Answers synchronously on a cache hit. */
export function createAuthenticate(parts: AuthenticationParts): Authenticate {
  const { select, allows, revocation, dpop } = parts
  const withHeader = parts.validators.filter(({ selects }) => selects.header !== undefined)

  /** Revocation and the validator's own recheck, on every use of a verdict. */
  const recheck = (token: VerifiedToken, now: number): Authentication | undefined => {
    const { principal, validator } = token
    switch (revocation === undefined ? 'active' : revocation.check(principal)) {
      case 'active':
        break
      case 'revoked':
        return { kind: 'rejected', reason: 'revoked', validator, principal }
      case 'unavailable':
        return {
          kind: 'unavailable',
          retryAfterSeconds: 5,
          reason: 'revocations_unavailable',
          validator,
        }
      // Reached by sources that are not type-checked, such as one that answers with a promise.
      default:
        return { kind: 'failed', reason: 'revocation_invalid', validator }
    }
    const verdict = validator.recheck?.(principal, now)
    return verdict === undefined || verdict.kind === 'accepted'
      ? undefined
      : fromVerdict(verdict, validator)
  }

  const judge = (
    verdict: Verdict,
    validator: TokenValidator,
    resource: ProtectedResource,
    credential: string,
    key: string,
    now: number,
  ): Authentication => {
    if (verdict.kind !== 'accepted') return fromVerdict(verdict, validator)
    if (verdict.resource !== undefined && verdict.resource !== resource.id) {
      return { kind: 'rejected', reason: 'audience_mismatch', validator }
    }
    const principal = acceptPrincipal(verdict.principal, resource.readScopes)
    if (principal === undefined) return { kind: 'failed', reason: 'principal_invalid', validator }
    if (allows !== undefined && !allows(principal)) {
      return { kind: 'forbidden', reason: 'not_on_allow_list', validator, principal }
    }
    const { expanded: scopes } = resource.readScopes(principal.scopes)
    const token: VerifiedToken = Object.freeze({ principal, scopes, validator })
    const overruled = recheck(token, now)
    if (overruled !== undefined) return overruled
    if (validator.recheck !== undefined) parts.onVerified?.(principal, validator)
    if (verdict.reuse !== undefined) resource.cache?.set(key, token, verdict.reuse, now)
    return { kind: 'authenticated', token, credential, cached: false }
  }

  const validate = (
    presented: Extract<Presented, { kind: 'presented' }>,
    resource: ProtectedResource,
    digest: string,
    now: number,
  ): Authentication | Promise<Authentication> => {
    const { credential, isProven } = presented
    // A credential that arrives in another way is another one than the same text as a Bearer.
    const way = isProven ? 'dpop' : presented.validator?.selects.header?.name
    const key = way === undefined ? digest : `${way}:${digest}`
    const known = resource.cache?.get(key, now)
    if (known !== undefined) {
      return containThrows(
        known.validator,
        () =>
          recheck(known, now) ?? { kind: 'authenticated', token: known, credential, cached: true },
      )
    }
    const problem = characterProblem(presented)
    if (problem !== undefined) return problem
    const validator = presented.validator ?? select(credential, digest)
    if (validator === undefined) return { kind: 'rejected', reason: 'issuer_unknown' }

    return containThrows(validator, () => {
      const verdict = validator.validate(credential, {
        resource: resource.id,
        digest,
        now,
        isProven,
      })
      return verdict instanceof Promise
        ? verdict.then((settled) => judge(settled, validator, resource, credential, key, now))
        : judge(verdict, validator, resource, credential, key, now)
    })
  }

  const prove = async (
    authentication: Authentication,
    view: RequestView,
    resource: ProtectedResource,
    now: number,
  ): Promise<Authentication> => {
    if (authentication.kind !== 'authenticated') return authentication
    const { credential, token } = authentication
    const { principal, validator } = token
    const verdict = await dpop?.verify(view, { credential, principal, resource, now })
    return verdict === undefined ? authentication : fromVerdict(verdict, validator)
  }

  return (view, resource, now) => {
    const presented = extractCredential(view, withHeader, dpop)
    if (presented.kind === 'absent') return { kind: 'unauthenticated' }
    if (presented.kind === 'malformed') return presented
    if (presented.credential.length > MAX_CREDENTIAL_LENGTH) {
      return characterProblem(presented) ?? { kind: 'rejected', reason: 'credential_too_long' }
    }
    return containThrows(undefined, () => {
      const digest = sha256(presented.credential)
      const result =
        typeof digest === 'string'
          ? validate(presented, resource, digest, now)
          : digest.then((text) => validate(presented, resource, text, now))
      return presented.isProven
        ? Promise.resolve(result).then((settled) => prove(settled, view, resource, now))
        : result
    })
  }
}
