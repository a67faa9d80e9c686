import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import { remoteUrlProblem } from '../jwt/remote-url.js'
import { createIssuerValidator, type JwtTokenOptions, jwtTokenOptions } from './jwt.js'
import type { TokenValidator } from './validator.js'

/** Options of {@link oidc}. */
export interface OidcOptions extends JwtTokenOptions {}

const Options = z.strictObject(jwtTokenOptions)

/**
 * Accepts JWT access tokens of one issuer, whose keys are found through its metadata
 * (`/.well-known/openid-configuration`, else RFC 8414). Checks what `jwt` checks; ID tokens are
 * refused.
 *
 * The metadata is read when the first token arrives. Its `issuer` must equal the configured one
 * character by character, or it is never used and requests are answered 503.
 *
 * @example
 * ```ts
 * oidc({ issuer: 'https://login.example.com' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3
 */
export function oidc(options: OidcOptions): TokenValidator {
  const parsed = parseOptions('oidc', Options, options)
  const { issuer, typ, profile } = parsed
  const problem = remoteUrlProblem(issuer) ?? (issuer.includes('?') ? 'has a query' : undefined)
  checkOptions('oidc', [
    ...(problem === undefined ? [] : [{ path: 'issuer', message: problem }]),
    ...(typ !== undefined && profile !== undefined
      ? [{ path: 'typ', message: 'is fixed by profile "rfc9068"' }]
      : []),
  ])
  return createIssuerValidator('oidc', parsed, { discovery: issuer })
}
