import type { Storage, UserProfile } from '../storage/storage.js'
import { quote, refuseArgument } from './refuse.js'

/** Finds a user by id or e-mail. `undefined` when there is none. */
export async function findUser(
  storage: Storage,
  userIdOrEmail: string,
): Promise<UserProfile | undefined> {
  const name = userIdOrEmail.trim()
  if (!name.includes('@')) return storage.users.find(name)
  const found = await storage.users.findByEmail(name)
  if (found.length <= 1) return found[0]
  const ids = found.map(({ userId, provider }) => `${userId} (${provider ?? 'invited'})`)
  return refuseArgument(
    'users',
    'user',
    `${quote(name)} names several users; name one of them by id: ${ids.join(', ')}`,
  )
}

/**
 * Finds a user by id or e-mail.
 *
 * @throws ConfigurationError when there is none, or an e-mail names several.
 */
export async function requireUser(storage: Storage, userIdOrEmail: string): Promise<UserProfile> {
  const user = await findUser(storage, userIdOrEmail)
  return user ?? refuseArgument('users', 'user', `there is no user ${quote(userIdOrEmail)}`)
}
