import { randomUUID } from 'node:crypto'
import { StoreIntegrityError, StoreInvalidError } from '@bestviable/mcp-auth-middleware'
import type { SqlRow, SqlValue, Statement } from '@bestviable/mcp-auth-store-postgres'
import { normalizeEmail } from '../login/email.js'
import type { AuthorizationServerEventName } from './event-names.js'
import { limitOf } from './list-limit.js'
import { heldUserKey } from './record-store.js'
import type { StorageSession } from './session.js'
import { isStorable, requireStorable, toStorable } from './storable-text.js'
import type {
  AuditInput,
  ChangeActor,
  UserProfile,
  UserRole,
  UserStatus,
  UserStore,
} from './storage.js'
import {
  countActiveUsers,
  countUsers,
  findIdentity,
  findInvitation,
  findUser,
  findUsersByEmail,
  holdUser,
  inviteUser,
  listUsers,
  lockAdmins,
  removeUser,
  setUserRole,
  setUserStatus,
  signInUser,
  takeInvitation,
} from './user-statements.js'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const LOWEST_ID = '00000000-0000-0000-0000-000000000000'
const NAME_LENGTH = 256
const URL_LENGTH = 2048
const IDENTITY_LENGTH = 512
const DAY_SECONDS = 86_400

const STATUSES: readonly UserStatus[] = ['active', 'suspended', 'invited']

function textOf(row: SqlRow, column: string): string | undefined {
  const value = row[column]
  return typeof value === 'string' ? value : undefined
}

function parseUser(row: SqlRow): UserProfile {
  const status = STATUSES.find((each) => each === row.status)
  if (status === undefined) throw new StoreIntegrityError('the stored user is damaged')
  const { last_login_at: lastLoginAt } = row
  const optional = {
    email: textOf(row, 'email'),
    name: textOf(row, 'name'),
    picture: textOf(row, 'picture'),
    provider: textOf(row, 'provider'),
    providerIssuer: textOf(row, 'provider_issuer'),
    providerUserId: textOf(row, 'provider_user_id'),
    lastLoginAt: typeof lastLoginAt === 'number' ? lastLoginAt : undefined,
  }
  const present = Object.entries(optional).filter(([, value]) => value !== undefined)
  return {
    userId: String(row.user_id),
    status,
    role: row.role === 'admin' ? 'admin' : 'user',
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    ...Object.fromEntries(present),
  }
}

function requireUser(row: SqlRow | undefined): UserProfile {
  if (row === undefined) throw new StoreIntegrityError('the written user was not returned')
  return parseUser(row)
}

/** Creates the store of users. `audit` writes to the audit trail. */
export function createUserStore(
  session: StorageSession,
  audit: (event: AuditInput) => Promise<void>,
): UserStore {
  const seconds = () => session.now() / 1000

  async function findOne(
    statement: Statement,
    values: readonly SqlValue[],
  ): Promise<UserProfile | undefined> {
    const [row] = await session.read(statement, values)
    return row && parseUser(row)
  }

  /** Neither e-mail nor name: the trail outlives the user. */
  function record(
    event: AuthorizationServerEventName,
    { userId, role }: UserProfile,
    actor?: ChangeActor,
  ): Promise<void> {
    return audit({ event, outcome: 'done', actor, details: { userId, role } })
  }

  function change(
    userId: string,
    statement: Statement,
    value: string,
    event: AuthorizationServerEventName,
    actor: ChangeActor | undefined,
  ): Promise<UserProfile | undefined> {
    return session.transaction(async () => {
      if (!UUID.test(userId)) return undefined
      const [row] = await session.write(statement, [userId, value, seconds()])
      if (row === undefined) return undefined
      const user = parseUser(row)
      await record(event, user, actor)
      return user
    })
  }

  return {
    async find(userId) {
      return UUID.test(userId) ? findOne(findUser, [userId]) : undefined
    },

    async hold(userId) {
      if (!UUID.test(userId)) return undefined
      const held = session.known.get(heldUserKey(userId))
      if (held !== undefined) return parseUser(held)
      return findOne(session.isInTransaction ? holdUser : findUser, [userId])
    },

    async findByEmail(email) {
      const address = normalizeEmail(email)
      if (address === undefined) return []
      return (await session.read(findUsersByEmail, [address])).map(parseUser)
    },

    lockAdmins: async () => (await session.write(lockAdmins)).map(parseUser),

    async findByIdentity(issuer, subject) {
      const isKnown = isStorable(issuer, IDENTITY_LENGTH) && isStorable(subject, IDENTITY_LENGTH)
      return isKnown ? findOne(findIdentity, [issuer, subject]) : undefined
    },

    async findInvitation(email) {
      const address = normalizeEmail(email)
      return address === undefined ? undefined : findOne(findInvitation, [address])
    },

    async signIn(identity) {
      const issuer = requireStorable(identity.issuer, 'issuer', IDENTITY_LENGTH)
      const subject = requireStorable(identity.subject, 'subject', IDENTITY_LENGTH)
      const provider = requireStorable(identity.provider, 'provider', NAME_LENGTH)
      const email = normalizeEmail(identity.email ?? '')
      return session.transaction(async () => {
        const now = seconds()
        // Taken away and written anew with its id: an invitation and a profile of the identity can both
        // be there, and parallel sign-ins meet at one row.
        const taken = [email ?? null, issuer, subject]
        const [invitation] = email === undefined ? [] : await session.write(takeInvitation, taken)
        const invited = invitation && parseUser(invitation)
        const newId = invited?.userId ?? randomUUID()
        const [row] = await session.write(signInUser, [
          newId,
          email ?? null,
          toStorable(identity.name ?? invited?.name, NAME_LENGTH),
          toStorable(identity.picture, URL_LENGTH),
          provider,
          issuer,
          subject,
          invited?.status === 'suspended' ? 'suspended' : 'active',
          invited?.role ?? 'user',
          invited?.createdAt ?? now,
          now,
          invited?.role === 'admin',
        ])
        const user = requireUser(row)
        if (invited !== undefined) await record('user.bind', user)
        else if (user.userId === newId) await record('user.create', user)
        return user
      })
    },

    async invite(email, { role, name, actor } = {}) {
      const address = normalizeEmail(email)
      if (address === undefined) throw new StoreInvalidError('the e-mail is not one plain address')
      return session.transaction(async () => {
        const values = [
          randomUUID(),
          address,
          toStorable(name, NAME_LENGTH),
          role ?? null,
          seconds(),
        ]
        const [row] = await session.write(inviteUser, values)
        const user = requireUser(row)
        await record('user.invite', user, actor)
        return user
      })
    },

    setStatus(userId, status, actor) {
      const event = status === 'suspended' ? 'user.suspend' : 'user.activate'
      return change(userId, setUserStatus, status, event, actor)
    },

    setRole: (userId, role: UserRole, actor) =>
      change(userId, setUserRole, role, 'user.role', actor),

    remove(userId, actor) {
      return session.transaction(async () => {
        if (!UUID.test(userId)) return false
        const isRemoved = (await session.write(removeUser, [userId])).length > 0
        // Without the id: nothing of the user stays.
        if (isRemoved) await audit({ event: 'user.remove', outcome: 'done', actor })
        return isRemoved
      })
    },

    async list({ after, limit, status } = {}) {
      if (after !== undefined && !UUID.test(after)) {
        throw new StoreInvalidError('after must be a user id')
      }
      const rows = await session.read(listUsers, [
        after ?? LOWEST_ID,
        limitOf(limit),
        status ?? null,
      ])
      return rows.map(parseUser)
    },

    async count() {
      const [row] = await session.read(countUsers)
      return {
        users: Number(row?.users),
        suspended: Number(row?.suspended),
        invited: Number(row?.invited),
      }
    },

    async countActive(days) {
      const [row] = await session.read(countActiveUsers, [seconds() - days * DAY_SECONDS])
      return Number(row?.users)
    },
  }
}
