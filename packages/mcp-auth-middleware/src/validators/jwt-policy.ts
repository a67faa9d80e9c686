import { idTokenProblem } from '../jwt/claims.js'
import { createKeyLoader } from '../jwt/key-loader.js'
import { createKeySet, type KeySet, type KeySetIncident } from '../jwt/key-set.js'
import type { JwtPolicy } from '../jwt/verify-jwt.js'
import { sharesPromises } from '../runtime.js'
import type { JwtProfile } from './jwt-profile.js'
import type { ValidatorIncident } from './validator.js'
import { MAX_TOKEN_LIFETIME } from './verification-options.js'

/** Reports what happened to an issuer's keys. */
export type KeyReport = (incident: KeySetIncident & Pick<ValidatorIncident, 'issuer'>) => void

/** The policy of each resource: they differ in the accepted audiences alone. */
export interface JwtPolicies {
  for(resource: string): JwtPolicy
  /**
   * Tells which audiences are identifiers of resources, and so count at one of them only. Adds to
   * those told before: several `McpAuth` may share one validator.
   */
  attach(resources: readonly string[]): void
}

const RFC9068_CLAIMS = ['iat', 'jti', 'client_id'] as const

function acceptedTypes({ typ, profile }: JwtProfile): ReadonlySet<string | undefined> {
  if (profile === 'rfc9068') return new Set(['at+jwt'])
  // Another explicit type announces another kind of token (RFC 8725 section 3.11).
  if (typ === null) return new Set([undefined, 'jwt', 'at+jwt'])
  return new Set(typ.map((name) => name.toLowerCase().replace(/^application\//, '')))
}

/** Creates one key set for all issuers, or one for each where each has a source of its own. */
function createKeySets(profile: JwtProfile, report: KeyReport): (issuer: string) => KeySet {
  const { keys, now = () => Date.now() } = profile
  // Looked up on each call: a global that is replaced later counts, and it keeps its `this`.
  const fetch = profile.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const algorithms = new Set(profile.algorithms)
  const keySets = new Map<string, KeySet>()

  return (issuer) => {
    const label = typeof keys === 'function' ? issuer : (profile.issuers?.[0] ?? profile.name)
    const existing = keySets.get(label)
    if (existing !== undefined) return existing
    const created = createKeySet({
      load: createKeyLoader(typeof keys === 'function' ? keys(issuer) : keys, algorithms, fetch),
      now,
      sharesPromises: sharesPromises(),
      report: (incident) => report({ ...incident, issuer: label }),
    })
    keySets.set(label, created)
    return created
  }
}

/** Turns a profile into policies for {@link verifyJwt}, with defaults applied. */
export function createJwtPolicies(profile: JwtProfile, report: KeyReport): JwtPolicies {
  const { audiences, issuerTemplate, clientIds, requireClaims = [] } = profile
  const issuers = new Set(profile.issuers)
  const shared: JwtPolicy = {
    algorithms: new Set(profile.algorithms),
    types: acceptedTypes(profile),
    expectIssuer:
      issuerTemplate === undefined
        ? (issuer) => issuers.has(issuer)
        : (issuer, payload) => issuerTemplate.expand(payload) === issuer,
    audiences: undefined,
    bindingClients: audiences === null ? new Set(clientIds) : undefined,
    clientIdClaims: profile.clientIdClaims ?? ['client_id', 'azp'],
    requireClaims:
      profile.profile === 'rfc9068' ? [...RFC9068_CLAIMS, ...requireClaims] : requireClaims,
    subjectOptional: profile.subjectOptional ?? false,
    tokenKind: profile.tokenKind ?? ((_header, payload) => idTokenProblem(payload)),
    acceptsKeyIssuer: profile.acceptsKeyIssuer ?? (() => true),
    keySetOf: createKeySets(profile, report),
    clockTolerance: profile.clockTolerance ?? 10,
    maxTokenLifetime: profile.maxTokenLifetime ?? MAX_TOKEN_LIFETIME,
  }

  const policyOf = (resource: string, resources: readonly string[]): JwtPolicy => {
    if (audiences === null) return shared
    if (audiences === 'resources') return { ...shared, audiences: new Set([resource]) }
    // A token for a sibling resource is not one for this resource, even if both are listed.
    const here = audiences.filter((value) => value === resource || !resources.includes(value))
    return { ...shared, audiences: new Set(here) }
  }

  let attached: readonly string[] = []
  const policies = new Map<string, JwtPolicy>()
  return {
    for: (resource) => policies.get(resource) ?? policyOf(resource, attached),
    attach(resources) {
      attached = [...new Set([...attached, ...resources])]
      for (const resource of attached) policies.set(resource, policyOf(resource, attached))
    },
  }
}
