import * as z from 'zod/mini'
import { isSubject, readName } from './account-text.js'
import { normalizeEmail } from './email.js'
import { parseLoginOptions, textOption } from './login-options.js'
import type { DevLogin } from './login-provider.js'

/** Options of {@link devLogin}. */
export interface DevLoginOptions {
  /** Who can sign in. Default: one user, `dev@example.com`. */
  readonly users?: DevLogin['users'] | undefined
}

const DEFAULT_USERS: DevLogin['users'] = [
  { subject: 'dev', email: 'dev@example.com', name: 'Developer' },
]

const User = z.strictObject({
  subject: textOption((text) => (isSubject(text) ? undefined : 'must be 1 to 255 characters')),
  email: textOption((text) =>
    normalizeEmail(text) === undefined ? 'is not an e-mail address' : undefined,
  ),
  name: textOption((text) => (readName(text) === text ? undefined : 'must be a plain name')),
})

const Options = z.strictObject({
  users: z.optional(
    z.array(User, { error: 'must be a list of users' }).check(
      z.minLength(1, { error: 'must hold at least one user' }),
      z.refine((users) => new Set(users.map(({ subject }) => subject)).size === users.length, {
        error: 'must not hold a subject twice',
      }),
    ),
  ),
})

/**
 * A login without any proof, for development. `checkLoginProviders` refuses it unless the
 * authorization server's issuer is on loopback. What came through a proxy or a tunnel, by its headers
 * or its `Host`, is refused at the sign-in: there the loopback issuer says nothing about who asks.
 *
 * @throws ConfigurationError at once, when an option is malformed.
 */
export function devLogin(options: DevLoginOptions = {}): DevLogin {
  const { users = DEFAULT_USERS } = parseLoginOptions('devLogin', Options, options)
  return {
    kind: 'dev',
    id: 'dev',
    label: 'Development user',
    users: users.map((user) => ({ ...user, email: normalizeEmail(user.email) ?? user.email })),
  }
}
