import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import type { Principal } from '../principal.js'
import {
  createJwtProfileValidator,
  type JwtClaims,
  type PrincipalFields,
  type ProfileRefusal,
} from './jwt-profile.js'
import type { TokenValidator } from './validator.js'
import {
  grantScopesOption,
  identifierOption,
  type VerificationOptions,
  verificationOptions,
} from './verification-options.js'

/** Options of {@link cloudflareAccess}. */
export interface CloudflareAccessOptions extends VerificationOptions {
  /** Team name, `acme` or `acme.cloudflareaccess.com`. Either this or `teamDomain`. */
  readonly team?: string | undefined
  /** Team domain as Cloudflare shows it, with or without `https://`. */
  readonly teamDomain?: string | undefined
  /** AUD tags of the Access applications in front of this server. At least one. */
  readonly audience: readonly string[]
  /**
   * Client ids of service tokens that may call. Their callers are named by this list, so `allow` does
   * not apply to them. Default none: service tokens are refused.
   */
  readonly serviceTokens?: readonly string[] | undefined
  /**
   * Also reads the assertion from the cookie `CF_Authorization` when the header is absent. Browsers
   * send cookies with requests of other sites too, so origins are then restricted. Default `false`.
   */
  readonly cookie?: boolean | undefined
  /**
   * Access itself is the authorization server of the clients ("Managed OAuth"): its assertion wins
   * over `Authorization`, whose value only Access can read, and requests that carry an assertion are
   * answered without a challenge. Default `false`.
   */
  readonly edgeOAuth?: boolean | undefined
  /** Scopes of a caller, since assertions carry none. Default: no scopes. */
  readonly grantScopes?: ((principal: Principal) => readonly string[]) | undefined
}

const TEAM_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const TEAM_DOMAIN =
  /^(?:https:\/\/)?([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.cloudflareaccess\.com\/?$/i

/** Returns the host of the team, or `undefined` for a text that names no team. */
function parseTeam(text: string): string | undefined {
  const name = TEAM_NAME.test(text) ? text : TEAM_DOMAIN.exec(text)?.[1]
  return name === undefined ? undefined : `${name.toLowerCase()}.cloudflareaccess.com`
}

const team = z
  .string()
  .check(
    z.refine(
      (text) => parseTeam(text) !== undefined,
      'must be a team name such as "acme", or its domain "acme.cloudflareaccess.com"',
    ),
  )

const Options = z.strictObject({
  team: z.optional(team),
  teamDomain: z.optional(team),
  audience: z
    .array(identifierOption, 'must be a list of AUD tags')
    .check(z.minLength(1, 'must hold the AUD tag of at least one Access application')),
  serviceTokens: z._default(z.array(identifierOption), []),
  cookie: z._default(z.boolean(), false),
  edgeOAuth: z._default(z.boolean(), false),
  grantScopes: grantScopesOption,
  ...verificationOptions,
})

function readPrincipal(
  payload: JwtClaims,
  serviceTokens: ReadonlySet<string>,
): PrincipalFields | ProfileRefusal {
  const { sub, email, common_name: commonName } = payload
  if (typeof sub === 'string' && sub !== '') {
    // Access has the address from the identity provider that the person signed in with.
    return { emailVerified: typeof email === 'string' && email !== '' }
  }
  if (typeof commonName !== 'string' || commonName === '') {
    return { kind: 'rejected', reason: 'no_subject' }
  }
  if (serviceTokens.size === 0) return { kind: 'rejected', reason: 'service_tokens_off' }
  // Client certificates come in the same shape, with the name that their issuer chose.
  if (!serviceTokens.has(commonName)) return { kind: 'forbidden', reason: 'service_not_listed' }
  return { subject: commonName, kind: 'service', admittedByName: true, emailVerified: false }
}

/**
 * Accepts callers that Cloudflare Access has let through, by the signed assertion it adds to each
 * request in `Cf-Access-Jwt-Assertion`.
 *
 * The assertion is always verified: RS256 by a key of the team, issuer, one of the AUD tags, `exp`,
 * `iat` and `type` `app`. Headers such as `Cf-Access-Authenticated-User-Email` are ignored, since
 * anyone who reaches the server directly can send them. The caller's e-mail address counts as
 * verified. Scopes are not in the assertion; `grantScopes` supplies them.
 *
 * @example
 * ```ts
 * cloudflareAccess({
 *   team: 'acme',
 *   audience: ['4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2'],
 *   grantScopes: (principal) => (principal.kind === 'user' ? ['coda.read'] : []),
 * })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
 */
export function cloudflareAccess(options: CloudflareAccessOptions): TokenValidator {
  const parsed = parseOptions('cloudflareAccess', Options, options)
  const teams = [parsed.team, parsed.teamDomain].filter((text) => text !== undefined)
  const [host] = teams.map(parseTeam)
  if (host === undefined || teams.length > 1) {
    checkOptions('cloudflareAccess', [{ path: 'team', message: 'set either team or teamDomain' }])
  }

  const issuer = `https://${host}`
  const serviceTokens = new Set(parsed.serviceTokens)
  return createJwtProfileValidator({
    name: 'cloudflare-access',
    issuers: [issuer],
    // Access has no metadata that a client could be sent to from here.
    authorizationServers: [],
    keys: { jwksUri: `${issuer}/cdn-cgi/access/certs` },
    algorithms: ['RS256'],
    typ: ['JWT'],
    audiences: parsed.audience,
    scopeClaims: [],
    requireClaims: ['iat'],
    // The team's global session token is signed by the same key.
    tokenKind: (_header, { type }) => (type === 'app' ? undefined : 'not_an_app_token'),
    subjectOptional: true,
    principal: (payload) => readPrincipal(payload, serviceTokens),
    grantScopes: parsed.grantScopes,
    selects: {
      header: {
        name: 'cf-access-jwt-assertion',
        cookie: parsed.cookie ? 'CF_Authorization' : undefined,
        wins: parsed.edgeOAuth,
      },
    },
    challengesAtEdge: parsed.edgeOAuth,
    clockTolerance: parsed.clockTolerance,
    maxTokenLifetime: parsed.maxTokenLifetime,
    fetch: parsed.fetch,
    now: parsed.now,
  })
}
