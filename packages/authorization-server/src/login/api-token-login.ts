import { IssuerUnavailableError } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { isSubject, readName } from './account-text.js'
import { withDeadline } from './deadline.js'
import { normalizeEmail } from './email.js'
import {
  idOption,
  isFunction,
  labelOption,
  parseLoginOptions,
  textOption,
  timeoutOption,
} from './login-options.js'
import type { ApiTokenAccount, ApiTokenLogin } from './login-provider.js'
import { issuerProblem, upstreamUrlProblem } from './upstream-url.js'

const RETRY_AFTER_SECONDS = 5
// Tokens travel in headers: visible ASCII, and no longer than an access token may be.
const TOKEN = /^[\x21-\x7e]{1,8192}$/

/** Options of {@link apiTokenLogin}. */
export interface ApiTokenLoginOptions {
  /** Letters, digits and `-`; part of paths. Default `api-token`. */
  readonly id?: string | undefined
  /** For example `Coda API token`. */
  readonly label: string
  /** https URL of the page where a person makes one. */
  readonly helpUrl?: string | undefined
  /** What one looks like, for example `36 characters`. */
  readonly hint?: string | undefined
  /** Issuer under which accounts are filed, for example `https://coda.io`. */
  readonly issuer: string
  /** Asks the upstream. `undefined`: it does not accept the token. Rejects when it cannot be asked. */
  readonly verify: ApiTokenLogin['verify']
  /** Time for `verify`, in milliseconds. Default 3000, 100 to 30,000. */
  readonly timeoutMilliseconds?: number | undefined
}

const Options = z.strictObject({
  id: z._default(idOption, 'api-token'),
  label: labelOption,
  helpUrl: z.optional(textOption(upstreamUrlProblem)),
  hint: z.optional(labelOption),
  issuer: textOption(issuerProblem),
  verify: z.custom<ApiTokenLogin['verify']>(isFunction, { error: 'must be a function' }),
  timeoutMilliseconds: timeoutOption,
})

/** The token in what was pasted; `undefined` when it cannot be one. */
function readToken(pasted: string): string | undefined {
  const token = pasted.trim()
  return TOKEN.test(token) ? token : undefined
}

function readAccount(account: ApiTokenAccount): ApiTokenAccount | undefined {
  const { subject, name, email } = account
  if (!isSubject(subject)) return undefined
  return {
    subject,
    name: readName(name),
    email: typeof email === 'string' ? normalizeEmail(email) : undefined,
  }
}

/**
 * Makes a login, or a connect step, by pasting a token of the upstream API.
 *
 * What was pasted is trimmed; what cannot be a token (empty, over 8192 characters, blanks, control or
 * other than ASCII characters within) is refused without asking the upstream. The returned `verify`
 * rejects with `IssuerUnavailableError` when `verify` rejects, takes too long, or names no account:
 * then the token was not judged. Its error is not kept, since it may hold the token.
 *
 * @example
 * ```ts
 * apiTokenLogin({
 *   label: 'Coda API token',
 *   issuer: 'https://coda.io',
 *   verify: async (token, { signal }) => {
 *     const headers = { authorization: `Bearer ${token}` }
 *     const response = await fetch('https://coda.io/apis/v1/whoami', { headers, signal })
 *     if (response.status === 401) return undefined
 *     if (!response.ok) throw new Error('Coda did not answer')
 *     const { loginId, name } = await response.json()
 *     return { subject: loginId, email: loginId, name }
 *   },
 * })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 */
export function apiTokenLogin(options: ApiTokenLoginOptions): ApiTokenLogin {
  const parsed = parseLoginOptions('apiTokenLogin', Options, options)
  const { verify, timeoutMilliseconds, ...described } = parsed
  const { issuer } = described
  const refuse = (): never => {
    throw new IssuerUnavailableError(issuer, RETRY_AFTER_SECONDS)
  }

  return {
    kind: 'api-token',
    ...described,
    verify: async (pasted, { signal }) => {
      const token = readToken(pasted)
      if (token === undefined) return undefined
      const ask = async (inner: AbortSignal) => verify(token, { signal: inner })
      const account = await withDeadline(timeoutMilliseconds, ask, refuse, signal).catch(refuse)
      if (account === undefined) return undefined
      // An answer without an account is no verdict on the token.
      return readAccount(account) ?? refuse()
    },
  }
}
