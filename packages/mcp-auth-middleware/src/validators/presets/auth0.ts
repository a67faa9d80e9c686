import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import type { JwtClaims, PrincipalFields } from '../jwt-profile.js'
import type { TokenValidator } from '../validator.js'
import {
  createPresetValidator,
  hostOption,
  type PresetOptions,
  parseHost,
  presetOptions,
} from './preset.js'

/** Options of {@link auth0}. */
export interface Auth0Options extends PresetOptions {
  /** Tenant domain, `acme.eu.auth0.com` or your custom domain. */
  readonly domain: string
  /**
   * Claim that holds the caller's rights: `permissions` for APIs with role-based access control.
   * Default `scope`.
   */
  readonly scopeClaim?: 'scope' | 'permissions' | undefined
}

const Options = z.strictObject({
  domain: hostOption('acme.eu.auth0.com'),
  scopeClaim: z._default(z.enum(['scope', 'permissions']), 'scope'),
  ...presetOptions,
})

function readPrincipal(payload: JwtClaims): PrincipalFields {
  const isMachine = typeof payload.sub === 'string' && payload.sub.endsWith('@clients')
  return isMachine ? { kind: 'service' } : {}
}

/**
 * Accepts access tokens that an Auth0 tenant issues for an API of its dashboard.
 *
 * The API's identifier must be this server's resource identifier, or be given as `audience`: without
 * either Auth0 issues opaque tokens, which are refused. MCP clients send `resource`, so turn on the
 * tenant's "Resource Parameter Compatibility Profile".
 *
 * @example
 * ```ts
 * auth0({ domain: 'acme.eu.auth0.com', audience: 'https://coda.example.com/mcp' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
 */
export function auth0(options: Auth0Options): TokenValidator {
  const parsed = parseOptions('auth0', Options, options)
  // With the slash: it is part of the issuer identifier.
  const issuer = `https://${parseHost(parsed.domain)}/`
  return createPresetValidator(
    {
      name: 'auth0',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { discovery: issuer },
      algorithms: ['RS256'],
      typ: null,
      scopeClaims: [parsed.scopeClaim],
      clientIdClaims: ['client_id', 'azp'],
      principal: readPrincipal,
    },
    parsed,
  )
}
