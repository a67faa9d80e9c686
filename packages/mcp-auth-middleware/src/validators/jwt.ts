import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import { JWS_ALGORITHMS, type JwsAlgorithm } from '../jwt/algorithms.js'
import type { KeySource } from '../jwt/key-source.js'
import { remoteUrlProblem } from '../jwt/remote-url.js'
import {
  createPresetValidator,
  identifierList,
  type PresetOptions,
  presetOptions,
} from './presets/preset.js'
import type { TokenValidator } from './validator.js'

/** Options that {@link jwt} and `oidc` share. */
export interface JwtTokenOptions extends PresetOptions {
  /** Issuer identifier, compared with `iss` character by character. */
  readonly issuer: string
  /** Name for events and health output. */
  readonly name?: string | undefined
  /** Accepted `alg` values. Default `RS256`, `ES256`, `EdDSA` and `Ed25519`. */
  readonly algorithms?: readonly JwsAlgorithm[] | undefined
  /** Accepted `typ` header values. Default: none, `JWT` or `at+jwt`. */
  readonly typ?: readonly string[] | undefined
  /** `rfc9068`: `typ` must be `at+jwt`, and `iat`, `jti`, `client_id` must be there. */
  readonly profile?: 'rfc9068' | undefined
  /** Claims that hold scopes. Default `['scope']`. */
  readonly scopeClaims?: readonly string[] | undefined
  /** Claims that may name the client; the first present one counts. Default `client_id`, `azp`. */
  readonly clientIdClaims?: readonly string[] | undefined
  /** Further claims that must be there. */
  readonly requireClaims?: readonly string[] | undefined
}

/** Options of {@link jwt}. */
export interface JwtOptions extends JwtTokenOptions {
  /** URL of the issuer's JWK Set: https, or http on a loopback host. Either this or `jwks`. */
  readonly jwksUri?: string | undefined
  /** The public keys themselves; nothing is fetched. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined
}

const DEFAULT_ALGORITHMS: readonly JwsAlgorithm[] = ['RS256', 'ES256', 'EdDSA', 'Ed25519']

/** Members of a `z.strictObject` for {@link JwtTokenOptions}. */
export const jwtTokenOptions = {
  issuer: z
    .string('must be the issuer identifier, a text')
    .check(z.regex(/^[^\s\p{Cc}]+$/u, 'must be a text without blanks')),
  name: z.optional(
    z.string().check(z.regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 of a-z, 0-9 and "-"')),
  ),
  algorithms: z._default(
    z
      .array(z.enum(JWS_ALGORITHMS, `must be of ${JWS_ALGORITHMS.join(', ')}`))
      .check(z.minLength(1, 'must hold at least one algorithm')),
    [...DEFAULT_ALGORITHMS],
  ),
  typ: z.optional(identifierList),
  profile: z.optional(z.literal('rfc9068', 'must be "rfc9068"')),
  scopeClaims: z.optional(identifierList),
  clientIdClaims: z.optional(identifierList),
  requireClaims: z.optional(identifierList),
  ...presetOptions,
}

const Options = z.strictObject({
  ...jwtTokenOptions,
  jwksUri: z.exactOptional(
    z.string('must be a URL').check(
      z.superRefine((url, context) => {
        const problem = remoteUrlProblem(url)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      }),
    ),
  ),
  jwks: z.exactOptional(
    z.object({ keys: z.array(z.record(z.string(), z.unknown())) }, 'must be a JWK Set'),
  ),
})

/** Builds the validator of one issuer with parsed options, wherever its keys come from. */
export function createIssuerValidator(
  name: string,
  options: Omit<JwtTokenOptions, 'algorithms'> & { readonly algorithms: readonly JwsAlgorithm[] },
  keys: KeySource,
): TokenValidator {
  const { issuer, algorithms, typ, profile, scopeClaims, clientIdClaims, requireClaims } = options
  return createPresetValidator(
    {
      name: options.name ?? name,
      issuers: [issuer],
      authorizationServers: [issuer],
      keys,
      algorithms,
      typ: typ ?? null,
      profile,
      scopeClaims,
      clientIdClaims,
      requireClaims,
    },
    options,
  )
}

/**
 * Accepts JWT access tokens of one issuer whose keys are known or have a known URL.
 *
 * Always checked: the signature, `iss`, `aud`, `exp` (and that it is at most 31 days away), `nbf`,
 * `iat`, `sub`, `jti`, and that the token is neither an ID token nor bound to a sender's key. Scopes
 * are read but not enforced here.
 *
 * @example
 * ```ts
 * jwt({ issuer: 'https://login.example.com', jwksUri: 'https://login.example.com/jwks' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see RFC 8725 section 3, RFC 9068 section 4
 */
export function jwt(options: JwtOptions): TokenValidator {
  const parsed = parseOptions('jwt', Options, options)
  const { jwksUri, jwks, typ, profile } = parsed
  checkOptions('jwt', [
    ...((jwksUri === undefined) === (jwks === undefined)
      ? [{ path: 'jwksUri', message: 'set either jwksUri or jwks' }]
      : []),
    ...(typ !== undefined && profile !== undefined
      ? [{ path: 'typ', message: 'is fixed by profile "rfc9068"' }]
      : []),
  ])
  return createIssuerValidator(
    'jwt',
    parsed,
    jwksUri === undefined ? { jwks: { keys: jwks?.keys ?? [] } } : { jwksUri },
  )
}
