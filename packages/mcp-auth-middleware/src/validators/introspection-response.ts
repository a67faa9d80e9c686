import {
  identityProblem,
  readAudience,
  readClientId,
  readScopes,
  type TimePolicy,
  timeProblem,
} from '../jwt/claims.js'
import type { JsonObject } from '../jwt/compact-jws.js'
import { deepFreeze } from '../jwt/deep-freeze.js'
import type { Principal } from '../principal.js'
import { lowerCaseEmail } from './email-case.js'
import type { Verdict } from './validator.js'

/** What an active token must look like to be accepted. */
export interface IntrospectionRules extends TimePolicy {
  readonly issuer: string
  /** Accepted `aud` values; `resources`: the resource of the request; `null`: `aud` is not looked at. */
  readonly audiences: readonly string[] | 'resources' | null
  readonly clientIds?: readonly string[] | undefined
  readonly tokenKind?: ((response: JsonObject) => string | undefined) | undefined
  readonly grantScopes?: ((principal: Principal) => readonly string[]) | undefined
  /** In seconds. */
  readonly cacheSeconds: number
}

/** The request that a response is judged for. */
export interface IntrospectionRequestContext {
  readonly resource: string
  /** All resources of every `McpAuth` that the validator is part of. */
  readonly resources: ReadonlySet<string>
  /** Epoch milliseconds. */
  readonly now: number
}

function kindProblem(response: JsonObject): string | undefined {
  const { token_type: tokenType, token_use: tokenUse } = response
  const isBearer = typeof tokenType === 'string' && tokenType.toLowerCase() === 'bearer'
  if (tokenType !== undefined && !isBearer) return 'token_type_invalid'
  // `token_type_hint` is only a hint: servers also answer for refresh tokens, and some say so here.
  const isAccess = tokenUse === undefined || tokenUse === 'access_token' || tokenUse === 'access'
  return isAccess ? undefined : 'not_an_access_token'
}

/** RFC 7662 leaves `exp` optional, so an answer without it is judged as one for this moment. */
function validityProblem(
  response: JsonObject,
  rules: IntrospectionRules,
  nowSeconds: number,
): string | undefined {
  const exp = response.exp === undefined ? nowSeconds + rules.clockTolerance + 1 : response.exp
  return timeProblem({ ...response, exp }, nowSeconds, rules)
}

function audienceProblem(
  response: JsonObject,
  audiences: readonly string[] | 'resources',
  { resource, resources }: IntrospectionRequestContext,
): string | undefined {
  const presented = readAudience(response)
  if (typeof presented === 'string') return presented
  const accepted = new Set(audiences === 'resources' ? [resource] : audiences)
  // A token for a sibling resource is not good here, even when both are listed.
  for (const sibling of resources) if (sibling !== resource) accepted.delete(sibling)
  return presented.some((audience) => accepted.has(audience)) ? undefined : 'audience_mismatch'
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function readPrincipal(response: JsonObject, issuer: string): Principal | string {
  const clientId = readClientId(response, ['client_id'])
  if (typeof clientId === 'object') return clientId.problem
  const scopes = readScopes(response, ['scope'])
  if ('problem' in scopes) return scopes.problem
  const subject = readText(response.sub) ?? clientId
  if (subject === undefined) return 'subject_missing'

  const { exp } = response
  const email = readText(response.email)
  return {
    issuer,
    subject,
    // RFC 9068 section 2.2: without a resource owner the subject is the client.
    kind: subject === clientId ? 'service' : 'user',
    clientId,
    scopes,
    expiresAt: typeof exp === 'number' ? exp : undefined,
    email: email === undefined ? undefined : lowerCaseEmail(email),
    emailVerified: response.email_verified === true,
    name: readText(response.name) ?? readText(response.username),
    tokenId: readText(response.jti),
    claims: deepFreeze({ ...response }),
  }
}

const rejected = (reason: string): Verdict => ({ kind: 'rejected', reason })

/**
 * Judges an introspection response like a token: that the server calls it active is necessary, not
 * sufficient, since the server knows neither this resource nor what we accept.
 *
 * @see RFC 7662 section 4 - what a resource server must check
 */
export function judgeIntrospection(
  response: JsonObject,
  rules: IntrospectionRules,
  context: IntrospectionRequestContext,
): Verdict {
  const { now, resource } = context
  const { issuer, audiences, clientIds } = rules
  if (response.active !== true) return rejected('token_inactive')
  if (response.iss !== undefined && response.iss !== issuer) return rejected('issuer_mismatch')
  const problem =
    kindProblem(response) ??
    identityProblem(response, true) ??
    validityProblem(response, rules, now / 1000) ??
    (audiences === null ? undefined : audienceProblem(response, audiences, context)) ??
    rules.tokenKind?.(response)
  if (problem !== undefined) return rejected(problem)

  const principal = readPrincipal(response, issuer)
  if (typeof principal === 'string') return rejected(principal)
  const { clientId, expiresAt } = principal
  if (clientIds !== undefined && !(clientId !== undefined && clientIds.includes(clientId))) {
    return { kind: audiences === null ? 'rejected' : 'forbidden', reason: 'client_not_listed' }
  }

  const { grantScopes } = rules
  // Taken as returned: what is no list of scopes must fail and not become the token's own scopes.
  const scopes = grantScopes === undefined ? principal.scopes : grantScopes(principal)
  // Without the clock tolerance: reuse is a convenience and ends no later than the token says.
  const expiry = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt * 1000
  const until = Math.min(now + rules.cacheSeconds * 1000, expiry)
  return {
    kind: 'accepted',
    principal: Object.freeze({ ...principal, scopes }),
    reuse: until > now ? { until } : undefined,
    resource: audiences === null ? undefined : resource,
  }
}
