import { randomUUID } from 'node:crypto'
import { StoreIntegrityError, StoreInvalidError } from '@bestviable/mcp-auth-middleware'
import type { SqlRow, SqlValue, Statement } from '@bestviable/mcp-auth-store-postgres'
import { normalizeEmail } from '../login/email.js'
import { limitOf } from './list-limit.js'
import type { StorageSession } from './session.js'
import { isStorable, requireStorable, toStorable } from './storable-text.js'
import type { AuditInput, UserProfile, UserRole, UserStatus, UserStore } from './storage.js'
import {
  countActiveUsers,
  findIdentity,
  findInvitation,
  findUser,
  inviteUser,
  listUsers,
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
  function record(event: string, { userId, role }: UserProfile): Promise<void> {
    return audit({ event, outcome: 'done', details: { userId, role } })
  }

  function change(
    userId: string,
    statement: Statement,
    value: string,
    eventOf: (user: UserProfile) => string,
  ): Promise<UserProfile | undefined> {
    return session.transaction(async () => {
      if (!UUID.test(userId)) return undefined
      const [row] = await session.write(statement, [userId, value, seconds()])
      if (row === undefined) return undefined
      const user = parseUser(row)
      await record(eventOf(user), user)
      return user
    })
  }

  return {
    async find(userId) {
      return UUID.test(userId) ? findOne(findUser, [userId]) : undefined
    },

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
        const [invitation] = email === undefined ? [] : await session.write(takeInvitation, [email])
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

    async invite(email, { role, name } = {}) {
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
        await record('user.invite', user)
        return user
      })
    },

    setStatus: (userId, status) =>
      change(userId, setUserStatus, status, () =>
        status === 'suspended' ? 'user.suspend' : 'user.activate',
      ),

    setRole: (userId, role: UserRole) => change(userId, setUserRole, role, () => 'user.role'),

    remove(userId) {
      return session.transaction(async () => {
        if (!UUID.test(userId)) return false
        const isRemoved = (await session.write(removeUser, [userId])).length > 0
        if (isRemoved) await audit({ event: 'user.remove', outcome: 'done', details: { userId } })
        return isRemoved
      })
    },

    async list({ after, limit } = {}) {
      if (after !== undefined && !UUID.test(after)) {
        throw new StoreInvalidError('after must be a user id')
      }
      const rows = await session.read(listUsers, [after ?? LOWEST_ID, limitOf(limit)])
      return rows.map(parseUser)
    },

    async countActive(days) {
      const [row] = await session.read(countActiveUsers, [seconds() - days * DAY_SECONDS])
      return Number(row?.users)
    },
  }
}
