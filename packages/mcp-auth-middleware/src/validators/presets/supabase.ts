import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../../configuration.js'
import type { JwtClaims } from '../jwt-profile.js'
import type { TokenValidator } from '../validator.js'
import {
  createPresetValidator,
  hostOption,
  type PresetOptions,
  parseHost,
  presetOptions,
} from './preset.js'

/** Options of {@link supabase}. */
export interface SupabaseOptions extends PresetOptions {
  /** Reference of the project, 20 letters. Either this or `domain`. */
  readonly projectRef?: string | undefined
  /** Custom domain of the project. */
  readonly domain?: string | undefined
}

const Options = z.strictObject({
  projectRef: z.optional(
    z.string().check(z.regex(/^[a-z0-9]{20}$/, 'must be a project reference of 20 characters')),
  ),
  domain: z.optional(hostOption('auth.example.com')),
  ...presetOptions,
})

/** Session tokens have the same keys, issuer and audience, but name no OAuth client. */
function refuseOtherKinds(payload: JwtClaims): string | undefined {
  if (typeof payload.client_id !== 'string' || payload.client_id === '') return 'session_token'
  return payload.is_anonymous === true ? 'anonymous_user' : undefined
}

/**
 * Accepts access tokens that a Supabase project issues to OAuth clients. Session tokens of the
 * project's own app are refused, and so are projects with a shared JWT secret: migrate to signing keys
 * first.
 *
 * Tokens carry no scopes, so `grantScopes` supplies them. Their `aud` is always `authenticated`, which
 * binds them to nothing and is reported as a warning; a Custom Access Token Hook can set a real one,
 * which you then name as `audience`.
 *
 * @example
 * ```ts
 * supabase({ projectRef: 'abcdefghijklmnopqrst', grantScopes: () => ['coda.read'] })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://supabase.com/docs/guides/auth/oauth-server/token-security
 */
export function supabase(options: SupabaseOptions): TokenValidator {
  const parsed = parseOptions('supabase', Options, options)
  const { projectRef, domain, audience, clientIds } = parsed
  if ((projectRef === undefined) === (domain === undefined)) {
    checkOptions('supabase', [{ path: 'projectRef', message: 'set either projectRef or domain' }])
  }
  const host = domain === undefined ? `${projectRef}.supabase.co` : parseHost(domain)
  const issuer = `https://${host}/auth/v1`
  const isBound = audience !== undefined && ![audience].flat().includes('authenticated')
  const resourceBinding = isBound ? 'audience' : clientIds === undefined ? 'none' : 'client'
  const validator = createPresetValidator(
    {
      name: 'supabase',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { jwksUri: `${issuer}/.well-known/jwks.json` },
      algorithms: ['RS256', 'ES256'],
      typ: null,
      audiences: ['authenticated'],
      scopeClaims: [],
      clientIdClaims: ['client_id'],
      tokenKind: (_header, payload) => refuseOtherKinds(payload),
      // `user_metadata.email_verified` can be set by the user, and no other claim vouches for it.
      principal: () => ({ emailVerified: false }),
      resourceBinding,
    },
    parsed,
  )
  if (resourceBinding !== 'none') return validator

  return {
    ...validator,
    attach(mcpAuth) {
      validator.attach?.(mcpAuth)
      mcpAuth.report({
        kind: 'warning',
        validator: 'supabase',
        issuer,
        reason: 'no_resource_binding',
        message:
          'access tokens of this Supabase project are accepted by every resource server of the project; set an audience or a client list',
      })
    },
  }
}
