import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import type { TokenValidator } from '../validator.js'
import { createPresetValidator, type PresetOptions, presetOptions } from './preset.js'

/** Options of {@link okta}. */
export interface OktaOptions extends PresetOptions {
  /** Issuer of a custom authorization server, `https://acme.okta.com/oauth2/default`. */
  readonly issuer: string
}

const ISSUER = /^https:\/\/(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*\/oauth2\/[\w-]+$/

const Options = z.strictObject({
  issuer: z
    .string()
    .check(
      z.regex(
        ISSUER,
        'must be the issuer of a custom authorization server such as "https://acme.okta.com/oauth2/default"; tokens of the organisation\'s own one ("https://acme.okta.com") cannot be verified by others',
      ),
    ),
  ...presetOptions,
})

/**
 * Accepts access tokens of an Okta custom authorization server, which has one audience: set it to this
 * server's resource identifier, or name it as `audience` (`api://default` is in tokens of every
 * application that uses the default server).
 *
 * @example
 * ```ts
 * okta({ issuer: 'https://acme.okta.com/oauth2/ausexample1', audience: 'https://coda.example.com/mcp' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://developer.okta.com/docs/guides/validate-access-tokens/
 */
export function okta(options: OktaOptions): TokenValidator {
  const parsed = parseOptions('okta', Options, options)
  const { issuer } = parsed
  return createPresetValidator(
    {
      name: 'okta',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { jwksUri: `${issuer}/v1/keys` },
      algorithms: ['RS256'],
      typ: null,
      scopeClaims: ['scp'],
      clientIdClaims: ['cid'],
      // ID tokens have none.
      requireClaims: ['cid'],
    },
    parsed,
  )
}
