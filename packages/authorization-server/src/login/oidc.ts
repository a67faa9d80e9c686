import * as z from 'zod/mini'
import { readDisplayClaims } from './display-claims.js'
import { normalizeEmail } from './email.js'
import {
  idOption,
  labelOption,
  type OpenidClientOptions,
  openidClientShape,
  parseLoginOptions,
  textOption,
} from './login-options.js'
import type { RedirectLogin } from './login-provider.js'
import { createOpenidLogin } from './openid-login.js'
import type { OpenidAnswer, OpenidJudgement } from './openid-profile.js'
import { issuerProblem, upstreamUrlProblem } from './upstream-url.js'

/** Options of {@link oidc}. */
export interface OidcOptions extends OpenidClientOptions {
  /** Letters, digits and `-`; part of paths. */
  readonly id: string
  /** Shown on the button, for example `Company login`. */
  readonly label: string
  /** Issuer identifier, compared byte by byte with the metadata and the ID token. */
  readonly issuer: string
  /** Default `openid`, `email`, `profile`. `openid` is always asked for. */
  readonly scopes?: readonly string[] | undefined
  /**
   * Whether an address admits only with `email_verified` `true`. `false` also takes addresses of
   * this issuer that say nothing about it; set it only when the issuer verifies every address.
   * Default `true`.
   */
  readonly requireEmailVerified?: boolean | undefined
  /** In place of the endpoint in the metadata. */
  readonly authorizationEndpoint?: string | undefined
  /** In place of the endpoint in the metadata. */
  readonly tokenEndpoint?: string | undefined
  /** In place of the endpoint in the metadata. Asked for an address only, never for an identity. */
  readonly userinfoEndpoint?: string | undefined
}

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

/** Upstreams whose address claims need rules that a general login does not have. */
const OWN_LOGINS: Readonly<Record<string, string>> = {
  'accounts.google.com': 'google',
  'login.microsoftonline.com': 'microsoft',
  'sts.windows.net': 'microsoft',
}

function oidcIssuerProblem(text: string): string | undefined {
  const problem = issuerProblem(text)
  if (problem !== undefined) return problem
  const { hostname } = new URL(text)
  const login = Object.hasOwn(OWN_LOGINS, hostname) ? OWN_LOGINS[hostname] : undefined
  return login === undefined ? undefined : `has rules of its own; use ${login}()`
}

const endpointOption = z.optional(textOption(upstreamUrlProblem))

const Options = z.strictObject({
  ...openidClientShape,
  id: idOption,
  label: labelOption,
  issuer: textOption(oidcIssuerProblem),
  scopes: z._default(
    z.array(z.string().check(z.regex(SCOPE, { error: 'must be one scope' })), {
      error: 'must be a list of scopes',
    }),
    ['openid', 'email', 'profile'],
  ),
  requireEmailVerified: z._default(z.boolean({ error: 'must be a boolean' }), true),
  authorizationEndpoint: endpointOption,
  tokenEndpoint: endpointOption,
  userinfoEndpoint: endpointOption,
})

function readEmail(
  claims: Readonly<Record<string, unknown>>,
  requireEmailVerified: boolean,
): string | undefined {
  const { email, email_verified: verified } = claims
  const isAccepted = verified === true || (verified === undefined && !requireEmailVerified)
  return isAccepted && typeof email === 'string' ? normalizeEmail(email) : undefined
}

async function judge(answer: OpenidAnswer, requireVerified: boolean): Promise<OpenidJudgement> {
  const { claims } = answer
  // OpenID Connect Core section 5.4: with a code, most providers tell the address there only. Address
  // and verification are taken from one place, never mixed.
  const profile = claims.email === undefined ? ((await answer.userinfo()) ?? claims) : claims
  return {
    kind: 'identity',
    identity: {
      issuer: claims.iss,
      subject: claims.sub,
      email: readEmail(profile, requireVerified),
      ...readDisplayClaims({
        name: claims.name ?? profile.name,
        picture: claims.picture ?? profile.picture,
      }),
    },
  }
}

/**
 * Sign-in with any OpenID provider that publishes metadata.
 *
 * The person is named by `iss` and `sub` of the ID token. Google and Microsoft have logins of their
 * own, since their addresses need more care; their issuers are refused here.
 *
 * @example
 * ```ts
 * import { oidc } from '@bestviable/mcp-authorization-server'
 *
 * oidc({
 *   id: 'company',
 *   label: 'Company login',
 *   issuer: 'https://login.example.com',
 *   clientId: 'mcp',
 *   clientSecret: process.env.OAUTH_CLIENT_SECRET ?? '',
 * })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see OpenID Connect Core 1.0 section 3.1
 */
export function oidc(options: OidcOptions): RedirectLogin {
  const {
    fetch,
    now,
    timeoutMilliseconds,
    issuer,
    scopes,
    requireEmailVerified,
    authorizationEndpoint,
    tokenEndpoint,
    userinfoEndpoint,
    ...client
  } = parseLoginOptions('oidc', Options, options)
  return createOpenidLogin(
    {
      ...client,
      discovery: issuer,
      issuers: [issuer],
      scopes: [...new Set(['openid', ...scopes])],
      endpoints: { authorizationEndpoint, tokenEndpoint, userinfoEndpoint },
      judge: (answer) => judge(answer, requireEmailVerified),
    },
    { fetch, now, timeoutMilliseconds },
  )
}
