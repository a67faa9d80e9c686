import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../../configuration.js'
import { remoteUrlProblem } from '../../jwt/remote-url.js'
import type { JwtClaims } from '../jwt-profile.js'
import type { TokenValidator } from '../validator.js'
import { createPresetValidator, type PresetOptions, presetOptions } from './preset.js'

/** Options of {@link keycloak}. */
export interface KeycloakOptions extends PresetOptions {
  /**
   * Base URL of the server as clients see it, without the realm: `https://sso.example.com`, or
   * `https://sso.example.com/auth` for old installations.
   */
  readonly url: string
  /** Name of the realm. */
  readonly realm: string
}

const Options = z.strictObject({
  url: z.string(),
  realm: z
    .string()
    .check(z.regex(/^[\w.~-]+$/, 'must be the name of a realm, as it stands in its URL')),
  ...presetOptions,
})

/** ID tokens say `ID` here, refresh tokens `Refresh` or `Offline`. */
function refuseOtherKinds(payload: JwtClaims): string | undefined {
  return payload.typ === 'Bearer' ? undefined : 'not_an_access_token'
}

/**
 * Accepts access tokens of one Keycloak realm.
 *
 * Keycloak puts no useful audience into tokens by default: add an "Audience" mapper for this server's
 * resource identifier to a client scope, or name the value of yours as `audience`.
 *
 * @example
 * ```ts
 * keycloak({ url: 'https://sso.example.com', realm: 'acme' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed, or `audience` is
 * `account`, which tokens of every client of a realm can carry.
 * @see https://www.keycloak.org/securing-apps/mcp-authz-server
 */
export function keycloak(options: KeycloakOptions): TokenValidator {
  const parsed = parseOptions('keycloak', Options, options)
  const { realm, audience } = parsed
  const url = parsed.url.replace(/\/$/, '')
  const problem = remoteUrlProblem(url)
  checkOptions('keycloak', [
    ...(problem === undefined ? [] : [{ path: 'url', message: problem }]),
    ...(/[?]|\/realms(?:\/|$)/.test(url)
      ? [{ path: 'url', message: 'must not contain the realm or a query' }]
      : []),
    ...([audience].flat().includes('account')
      ? [{ path: 'audience', message: '"account" is in tokens of every client; add a mapper' }]
      : []),
  ])
  const issuer = `${url}/realms/${realm}`
  return createPresetValidator(
    {
      name: 'keycloak',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { jwksUri: `${issuer}/protocol/openid-connect/certs` },
      algorithms: ['RS256', 'ES256', 'PS256', 'EdDSA'],
      typ: null,
      clientIdClaims: ['client_id', 'azp'],
      // Older releases copy `nonce` into access tokens, so the default check does not fit.
      tokenKind: (_header, payload) => refuseOtherKinds(payload),
    },
    parsed,
  )
}
