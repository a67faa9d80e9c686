import { IDENTITY_FACTS, type IdentityFacts } from '../engine/identity-facts.js'
import { normalizeEmail } from '../login/email.js'
import type { UserProfile, UserRole } from '../storage/storage.js'
import { findUser, requireUser } from './find-user.js'
import type { ChangeOptions } from './management.js'
import { actorOf, endOfTokens, type ManagementParts } from './management-parts.js'
import { quote, refuseArgument } from './refuse.js'

/** Options of an invitation. */
export type AllowOptions = ChangeOptions & {
  readonly role?: UserRole | undefined
  readonly name?: string | undefined
}

function requireChanged(user: UserProfile | undefined, name: string): UserProfile {
  // It was removed between the two.
  return user ?? refuseArgument('users', 'user', `there is no user ${quote(name)}`)
}

/** Keeps a user out. All in one transaction: who is suspended has nothing left. */
export function suspendUser(
  parts: ManagementParts,
  userIdOrEmail: string,
  options?: ChangeOptions,
): Promise<{ readonly user: UserProfile; readonly sessions: number }> {
  const { storage } = parts
  return storage.transaction(async () => {
    const { userId } = await requireUser(storage, userIdOrEmail)
    const sessions = await storage.grants.revokeByUser(userId, endOfTokens(parts))
    const user = await storage.users.setStatus(userId, 'suspended', actorOf(options))
    return { user: requireChanged(user, userIdOrEmail), sessions }
  })
}

/** Lets a user in again. */
export function activateUser(
  parts: ManagementParts,
  userIdOrEmail: string,
  options?: ChangeOptions,
): Promise<UserProfile> {
  const { storage } = parts
  return storage.transaction(async () => {
    const found = await requireUser(storage, userIdOrEmail)
    if (found.status !== 'suspended') return found
    // Whatever a request has left that was under way while the user was suspended, such as a session.
    await storage.grants.revokeByUser(found.userId, endOfTokens(parts))
    const user = await storage.users.setStatus(found.userId, 'active', actorOf(options))
    return requireChanged(user, userIdOrEmail)
  })
}

export function setUserRole(
  parts: ManagementParts,
  userIdOrEmail: string,
  role: UserRole,
  options?: ChangeOptions,
): Promise<UserProfile> {
  const { storage } = parts
  if (role !== 'admin' && role !== 'user') {
    return refuseArgument('users.setRole', 'role', 'must be "admin" or "user"')
  }
  return storage.transaction(async () => {
    const { userId } = await requireUser(storage, userIdOrEmail)
    const user = await storage.users.setRole(userId, role, actorOf(options))
    return requireChanged(user, userIdOrEmail)
  })
}

/** Counts a user who has signed in before as invited, whatever the lists will say. */
async function keepInvited({ storage }: ManagementParts, userId: string): Promise<void> {
  const records = storage.records(IDENTITY_FACTS)
  const facts = (await records.find(userId))?.facts as IdentityFacts | undefined
  if (facts === undefined || facts.invited) return
  await records.upsert(userId, { facts: { ...facts, invited: true } })
}

/** Invites an e-mail address, or lets the user in again who has it. */
export async function allowUser(
  parts: ManagementParts,
  email: string,
  options: AllowOptions = {},
): Promise<UserProfile> {
  const { storage } = parts
  const { role, name } = options
  const actor = actorOf(options)
  const address = normalizeEmail(email)
  if (address === undefined) {
    return refuseArgument('users.allow', 'email', 'must be one plain e-mail address')
  }
  return storage.transaction(async () => {
    const found = await findUser(storage, address)
    if (found?.providerUserId === undefined) {
      return storage.users.invite(address, { role, name, actor })
    }
    await keepInvited(parts, found.userId)
    const user = await activateUser(parts, found.userId, options)
    if (role === undefined || role === user.role) {
      await storage.audit({
        event: 'user.allow',
        outcome: 'done',
        actor,
        details: { userId: user.userId, role: user.role },
      })
      return user
    }
    return requireChanged(await storage.users.setRole(user.userId, role, actor), address)
  })
}
