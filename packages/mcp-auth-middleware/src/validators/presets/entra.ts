import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import type { JwtClaims, PrincipalFields } from '../jwt-profile.js'
import type { TokenValidator } from '../validator.js'
import {
  audienceOption,
  createPresetValidator,
  type PresetOptions,
  presetOptions,
} from './preset.js'

/** Options of {@link entra}. */
export interface EntraOptions extends PresetOptions {
  /**
   * Directory (tenant) ids whose callers are accepted, at least one. There is no way to accept every
   * tenant: anyone can create one.
   */
  readonly tenants: readonly string[]
  /** Application (client) id of the API registration; with version 1 also its App ID URI. */
  readonly audience: string | readonly string[]
  /**
   * Version of the access tokens, which the API registration decides by
   * `accessTokenAcceptedVersion` (`null` means 1), not the endpoint that clients use. Default 2.
   */
  readonly version?: 1 | 2 | undefined
  /**
   * Accepts application tokens too (no user), whose rights are in `roles`. Needs the optional claim
   * `idtyp` in the API registration. Default `false`.
   */
  readonly appTokens?: boolean | undefined
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ORIGIN = 'https://login.microsoftonline.com'

const Options = z.strictObject({
  tenants: z
    .array(
      z
        .string()
        .check(
          z.refine(
            (text) => GUID.test(text.toLowerCase()),
            'must be a directory (tenant) id, a GUID; "common" and domain names are not accepted',
          ),
        ),
      'must be a list of directory (tenant) ids',
    )
    .check(z.minLength(1, 'must hold at least one directory (tenant) id')),
  version: z._default(z.literal([1, 2], 'must be 1 or 2'), 2),
  appTokens: z._default(z.boolean(), false),
  ...presetOptions,
  audience: audienceOption,
})

function issuerOf(tenant: string, version: 1 | 2): string {
  return version === 1 ? `https://sts.windows.net/${tenant}/` : `${ORIGIN}/${tenant}/v2.0`
}

/** The tenant of a token, when it is one of the list. */
function listedTenant(payload: JwtClaims, tenants: ReadonlySet<string>): string | undefined {
  const { tid } = payload
  return typeof tid === 'string' && GUID.test(tid) && tenants.has(tid) ? tid : undefined
}

/** ID tokens can have the same audience and roles; only access tokens have `scp` or `idtyp` `app`. */
function refuseOtherKinds(
  payload: JwtClaims,
  version: 1 | 2,
  appTokens: boolean,
): string | undefined {
  if (payload.ver !== `${version}.0`) return 'token_version'
  if (typeof payload.scp === 'string' && payload.scp !== '') return undefined
  if (payload.idtyp !== 'app') return 'not_an_access_token'
  return appTokens ? undefined : 'app_token'
}

function readPrincipal(payload: JwtClaims, isSingleTenant: boolean): PrincipalFields {
  const { oid, tid, email, xms_edov: domainVerified } = payload
  const hasEmail = typeof email === 'string' && email !== ''
  return {
    kind: payload.idtyp === 'app' ? 'service' : 'user',
    // `sub` differs from one app registration to the next; `oid` is the caller.
    subject: typeof oid === 'string' ? oid : undefined,
    tenant: typeof tid === 'string' ? tid : undefined,
    // In a multi-tenant API any directory's administrator can set any address.
    emailVerified:
      hasEmail && (isSingleTenant || [true, 1, '1'].some((value) => value === domainVerified)),
  }
}

/**
 * Accepts access tokens of Microsoft Entra ID for one API registration, from the listed directories.
 *
 * The caller is named by `oid`, not by the app-specific `sub`. Entra's metadata lacks what MCP clients
 * need to sign in there directly; use the embedded authorization server with `microsoft` for that,
 * and this preset for clients that bring a token.
 *
 * @example
 * ```ts
 * entra({
 *   tenants: ['72f988bf-86f1-41af-91ab-2d7cd011db47'],
 *   audience: '11111111-2222-3333-4444-555555555555',
 * })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export function entra(options: EntraOptions): TokenValidator {
  const parsed = parseOptions('entra', Options, options)
  const { version, appTokens } = parsed
  const tenants = new Set(parsed.tenants.map((tenant) => tenant.toLowerCase()))
  const [onlyTenant = ''] = tenants
  const isSingleTenant = tenants.size === 1
  const issuers = [...tenants].map((tenant) => issuerOf(tenant, version))
  const known = new Set(issuers)
  // The document that many tenants share is a template, so it must say exactly the template.
  const documentTenant = isSingleTenant ? onlyTenant : '{tenantid}'
  const path = isSingleTenant ? onlyTenant : 'organizations'

  return createPresetValidator(
    {
      name: 'entra',
      issuerTemplate: {
        matches: (issuer) => known.has(issuer),
        expand: (payload) => {
          const tenant = listedTenant(payload, tenants)
          return tenant === undefined ? undefined : issuerOf(tenant, version)
        },
      },
      selects: { issuers },
      // Also for version 1 tokens: only this issuer has metadata that equals it.
      authorizationServers: [...tenants].map((tenant) => issuerOf(tenant, 2)),
      keys: {
        discovery: version === 1 ? `${ORIGIN}/${path}` : `${ORIGIN}/${path}/v2.0`,
        documentIssuer: issuerOf(documentTenant, version),
      },
      algorithms: ['RS256'],
      typ: ['JWT'],
      scopeClaims: appTokens ? ['scp', 'roles'] : ['scp'],
      clientIdClaims: version === 1 ? ['appid'] : ['azp'],
      requireClaims: ['oid'],
      tokenKind: (_header, payload) => refuseOtherKinds(payload, version, appTokens),
      principal: (payload) => readPrincipal(payload, isSingleTenant),
      // Keys of personal accounts are in the same set, restricted to their own tenant.
      acceptsKeyIssuer: (keyIssuer, payload) => {
        const tenant = listedTenant(payload, tenants)
        if (tenant === undefined) return false
        const expanded = keyIssuer.replaceAll('{tenantid}', tenant)
        return expanded === issuerOf(tenant, 1) || expanded === issuerOf(tenant, 2)
      },
    },
    parsed,
  )
}
