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

/** Options of {@link stytch}. */
export interface StytchOptions extends VerificationOptions {
  /**
   * The project's own domain, such as `login.example.com` or `acme.customers.stytch.dev`: the host of
   * the `issuer` in its authorization server metadata.
   */
  readonly domain: string
  /** Project id, `project-live-…` or `project-test-…`. */
  readonly projectId: string
  /** `b2b` requires that a token names its organisation. Default `consumer`. */
  readonly kind?: 'consumer' | 'b2b' | undefined
  /**
   * Custom audience of the Connected App. Default: the project id, which every access token of the
   * project carries, so that it binds no token to this server. `undefined` is refused, since it is
   * mostly an unset variable: leave the key out for the default.
   */
  readonly audience?: string
  /**
   * `b2b` only: ids of the organisations whose members may call. Default: every organisation.
   * `undefined` is refused as above.
   */
  readonly organizations?: readonly string[]
  /**
   * Accepts M2M tokens: of the listed client ids, to which `allow` then does not apply, or with
   * `true` of every M2M client of the project. They belong to no organisation. Default `false`.
   */
  readonly allowMachineTokens?: boolean | readonly string[] | undefined
  /** Scopes of a caller, in place of those of the token. Default: the token's `scope`. */
  readonly grantScopes?: ((principal: Principal) => readonly string[]) | undefined
}

const SESSION_CLAIM = 'https://stytch.com/session'
const ORGANIZATION_CLAIM = 'https://stytch.com/organization'

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i
const SHARED_HOSTS: ReadonlySet<string> = new Set([
  'stytch.com',
  'api.stytch.com',
  'test.stytch.com',
])

function parseDomain(text: string): string {
  return text.toLowerCase().replace(/^https:\/\//, '')
}

const Options = z.strictObject({
  domain: z.string().check(
    z.refine((text) => HOST.test(parseDomain(text)), {
      error: 'must be a host name such as "login.example.com", without path and port',
      abort: true,
    }),
    z.refine((text) => !SHARED_HOSTS.has(parseDomain(text)), {
      error:
        'is the API host that all Stytch projects share and no issuer: clients refuse metadata whose "issuer" differs; write the domain of your project, "<name>.customers.stytch.dev" or your custom domain',
    }),
  ),
  projectId: z
    .string()
    .check(
      z.regex(
        /^project-(?:live|test)-[^\s/]+$/,
        'must be a project id, "project-live-…" or "project-test-…"',
      ),
    ),
  kind: z._default(z.enum(['consumer', 'b2b']), 'consumer'),
  audience: z.exactOptional(identifierOption),
  organizations: z.exactOptional(
    z.array(identifierOption).check(z.minLength(1, 'must hold at least one organisation id')),
  ),
  allowMachineTokens: z._default(
    z.union([
      z.boolean('must be true or false'),
      z
        .array(
          z
            .string()
            .check(z.regex(/^m2m-client-[^\s]+$/, 'a list of client ids, "m2m-client-live-…"')),
          'a list of client ids, "m2m-client-live-…"',
        )
        .check(z.minLength(1, 'a list of at least one client id')),
    ]),
    false,
  ),
  grantScopes: grantScopesOption,
  ...verificationOptions,
})

type Parsed = z.infer<typeof Options>

/** The client id when the token was issued to an M2M client, which is its own subject. */
function machineOf({ sub }: JwtClaims): string | undefined {
  return typeof sub === 'string' && sub.startsWith('m2m-client') ? sub : undefined
}

function organizationOf(payload: JwtClaims): string | undefined {
  const claim = payload[ORGANIZATION_CLAIM]
  if (typeof claim !== 'object' || claim === null) return undefined
  const id: unknown = Object.hasOwn(claim, 'organization_id')
    ? Reflect.get(claim, 'organization_id')
    : undefined
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** One key set signs session, M2M, ID and access tokens; this tells them apart. */
function refuseOtherKinds(payload: JwtClaims, options: Parsed): string | undefined {
  if (payload[SESSION_CLAIM] !== undefined) return 'session_token'
  if (typeof payload.scope !== 'string') return 'not_an_access_token'
  if (machineOf(payload) !== undefined) {
    return options.allowMachineTokens === false ? 'machine_token' : undefined
  }
  if (typeof payload.client_id !== 'string') return 'not_an_access_token'
  const needsOrganization = options.kind === 'b2b'
  return needsOrganization && organizationOf(payload) === undefined ? 'no_organization' : undefined
}

function readPrincipal(payload: JwtClaims, options: Parsed): PrincipalFields | ProfileRefusal {
  const machine = machineOf(payload)
  if (machine !== undefined) {
    if (!Array.isArray(options.allowMachineTokens)) return { kind: 'service' }
    return options.allowMachineTokens.includes(machine)
      ? { kind: 'service', admittedByName: true }
      : { kind: 'forbidden', reason: 'client_not_listed' }
  }
  const tenant = organizationOf(payload)
  const { organizations } = options
  if (organizations !== undefined && (tenant === undefined || !organizations.includes(tenant))) {
    return { kind: 'forbidden', reason: 'organization_not_listed' }
  }
  return { tenant }
}

/**
 * Accepts access tokens of Stytch Connected Apps, verified by the project's published keys. No
 * project secret is needed, and no request goes to Stytch's API.
 *
 * Stytch signs session, ID and M2M tokens with the same keys, issuer and audience; they are told
 * apart and refused. Access tokens carry no e-mail address, so `allow` needs `tenants` or `subjects`
 * here. A revoked connection is not seen before its access token expires. Without `audience` nothing
 * binds a token to this server, which is reported once as a warning: every resource server of the
 * project accepts the same tokens.
 *
 * @example
 * ```ts
 * stytch({ domain: 'login.example.com', projectId: 'project-live-00000000-0000-4000-8000-000000000000' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed, or `domain` is an API
 * host shared by all projects.
 * @see https://stytch.com/docs/b2b/api/connected-app-access-token
 */
export function stytch(options: StytchOptions): TokenValidator {
  const parsed = parseOptions('stytch', Options, options)
  const { projectId, organizations, allowMachineTokens } = parsed
  checkOptions('stytch', [
    ...(organizations !== undefined && parsed.kind !== 'b2b'
      ? [{ path: 'organizations', message: 'needs kind "b2b": consumer tokens name none' }]
      : []),
    ...(organizations !== undefined && allowMachineTokens === true
      ? [{ path: 'allowMachineTokens', message: 'beside organizations, list the client ids' }]
      : []),
  ])

  const issuer = `https://${parseDomain(parsed.domain)}`
  const { audience = projectId } = parsed
  const resourceBinding = audience === projectId ? 'none' : 'audience'
  const validator = createJwtProfileValidator({
    name: 'stytch',
    // The second one is in tokens that were fetched through Stytch's shared host. It is no URL.
    issuers: [issuer, `stytch.com/${projectId}`],
    principalIssuer: issuer,
    authorizationServers: [issuer],
    keys: { jwksUri: `${issuer}/.well-known/jwks.json` },
    algorithms: ['RS256'],
    typ: ['JWT'],
    audiences: [audience],
    // An M2M client is its own subject.
    clientIdClaims: allowMachineTokens === false ? ['client_id'] : ['client_id', 'sub'],
    tokenKind: (_header, payload) => refuseOtherKinds(payload, parsed),
    principal: (payload) => readPrincipal(payload, parsed),
    grantScopes: parsed.grantScopes,
    resourceBinding,
    clockTolerance: parsed.clockTolerance,
    maxTokenLifetime: parsed.maxTokenLifetime,
    fetch: parsed.fetch,
    now: parsed.now,
  })
  if (resourceBinding === 'audience') return validator

  return {
    ...validator,
    attach(host) {
      validator.attach?.(host)
      host.report({
        kind: 'warning',
        validator: 'stytch',
        issuer,
        reason: 'no_resource_binding',
        message:
          'access tokens of this Stytch project are accepted by every resource server of the project; set a custom audience or use one project per server',
      })
    },
  }
}
