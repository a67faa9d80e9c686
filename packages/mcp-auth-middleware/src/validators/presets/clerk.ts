import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import type { TokenValidator } from '../validator.js'
import {
  createPresetValidator,
  hostOption,
  type PresetOptions,
  parseHost,
  presetOptions,
} from './preset.js'

/** Options of {@link clerk}. */
export interface ClerkOptions extends PresetOptions {
  /** Host of the Frontend API, `<name>.clerk.accounts.dev` or `clerk.<your domain>`. */
  readonly domain: string
}

const Options = z.strictObject({
  domain: hostOption('clerk.example.com'),
  ...presetOptions,
})

/**
 * Accepts OAuth access tokens of a Clerk instance in JWT form. Session tokens, which the same keys
 * sign, and opaque tokens (`oat_…`) are refused.
 *
 * Clerk tokens need not have an audience. With `clientIds` and without `audience` the client list is
 * what binds them to this server; otherwise `aud` must match.
 *
 * @example
 * ```ts
 * clerk({ domain: 'clerk.example.com', clientIds: ['client_example'] })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://clerk.com/docs/oauth/overview
 */
export function clerk(options: ClerkOptions): TokenValidator {
  const parsed = parseOptions('clerk', Options, options)
  const issuer = `https://${parseHost(parsed.domain)}`
  return createPresetValidator(
    {
      name: 'clerk',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { jwksUri: `${issuer}/.well-known/jwks.json` },
      algorithms: ['RS256'],
      typ: ['at+jwt'],
      audiences: parsed.clientIds === undefined ? 'resources' : null,
      scopeClaims: ['scp', 'scope'],
      clientIdClaims: ['client_id'],
      requireClaims: ['client_id'],
    },
    parsed,
  )
}
