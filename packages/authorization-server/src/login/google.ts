import * as z from 'zod/mini'
import { readDisplayClaims } from './display-claims.js'
import { domainOf, normalizeDomain, normalizeEmail } from './email.js'
import {
  type OpenidClientOptions,
  openidClientShape,
  parseLoginOptions,
  textOption,
} from './login-options.js'
import type { RedirectLogin } from './login-provider.js'
import { createOpenidLogin } from './openid-login.js'
import type { OpenidAnswer, OpenidJudgement } from './openid-profile.js'

/** Issuer of every Google account. */
export const GOOGLE_ISSUER = 'https://accounts.google.com'

const GOOGLE_MAIL_DOMAINS: ReadonlySet<string> = new Set(['gmail.com', 'googlemail.com'])

/** Options of {@link google}. */
export interface GoogleOptions extends OpenidClientOptions {
  /** Google Workspace domain whose accounts alone may sign in, for example `example.com`. */
  readonly hostedDomain?: string | undefined
}

const domainProblem = (text: string) =>
  normalizeDomain(text) === undefined ? 'must be a domain name such as example.com' : undefined

const Options = z.strictObject({
  ...openidClientShape,
  hostedDomain: z.optional(textOption(domainProblem)),
})

/**
 * The address, when Google answers for it: its own mail, or mail of a Workspace domain. Anybody can
 * open an account on any other address, whose owner was asked once, long ago perhaps.
 */
function readEmail(claims: OpenidAnswer['claims'], hostedDomain: string | undefined) {
  if (claims.email_verified !== true || typeof claims.email !== 'string') return undefined
  const email = normalizeEmail(claims.email)
  if (email === undefined) return undefined
  return hostedDomain !== undefined || GOOGLE_MAIL_DOMAINS.has(domainOf(email)) ? email : undefined
}

function judge({ claims }: OpenidAnswer, required: string | undefined): OpenidJudgement {
  const hostedDomain = typeof claims.hd === 'string' ? normalizeDomain(claims.hd) : undefined
  if (required !== undefined && hostedDomain !== required) {
    return { kind: 'denied', reason: 'hosted_domain' }
  }
  return {
    kind: 'identity',
    identity: {
      issuer: claims.iss,
      subject: claims.sub,
      email: readEmail(claims, hostedDomain),
      hostedDomain,
      ...readDisplayClaims(claims),
    },
  }
}

/**
 * Sign-in with Google.
 *
 * An address admits only when Google verified it (`email_verified` is the boolean `true`) and is
 * responsible for it: Gmail, or a Workspace domain. Domains are compared with the Workspace domain
 * (`hd`), never with the end of the address. Tokens that name the old issuer `accounts.google.com`
 * are refused.
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://developers.google.com/identity/openid-connect/openid-connect
 */
export function google(options: GoogleOptions): RedirectLogin {
  const { fetch, now, timeoutMilliseconds, hostedDomain, ...client } = parseLoginOptions(
    'google',
    Options,
    options,
  )
  const required = hostedDomain === undefined ? undefined : normalizeDomain(hostedDomain)
  return createOpenidLogin(
    {
      ...client,
      id: 'google',
      label: 'Google',
      discovery: GOOGLE_ISSUER,
      issuers: [GOOGLE_ISSUER],
      scopes: ['openid', 'email', 'profile'],
      authorizationParameters: {
        // Without it, whoever was refused with one account is never asked for another one.
        prompt: 'select_account',
        ...(required === undefined ? {} : { hd: required }),
      },
      judge: (answer) => judge(answer, required),
    },
    { fetch, now, timeoutMilliseconds },
  )
}
