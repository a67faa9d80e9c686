import { rotateStoredKeys } from '../engine/rotate-signing-keys.js'
import type { AuthorizationServerEventName } from '../storage/event-names.js'
import type { SigningKey, UserProfile } from '../storage/storage.js'
import { createClient, managedClient, revokeClient, rotateClientSecret } from './client-changes.js'
import { connectedApp, endConnection, endConnectionsOf } from './connected-apps.js'
import { eraseUser } from './erase-user.js'
import { findUser, requireUser } from './find-user.js'
import type { ChangeOptions, Management, SigningKeyStatus } from './management.js'
import { actorOf, type ManagementParts } from './management-parts.js'
import { refuseArgument } from './refuse.js'
import { activateUser, allowUser, setUserRole, suspendUser } from './user-changes.js'

const ACTIVE_DAYS = 30
const MOST_DAYS = 3660

// Named members only, so that no private part can slip through.
function keyStatus(key: SigningKey): SigningKeyStatus {
  const { kid, algorithm, state, createdAt, signsFrom, removeAt } = key
  return { kid, algorithm, state, createdAt, signsFrom, removeAt }
}

/** In the order in which they sign. */
function keyStatuses(keys: readonly SigningKey[]): readonly SigningKeyStatus[] {
  return keys.map(keyStatus).sort((one, other) => one.signsFrom - other.signsFrom)
}

/** Creates what operators work with. Every change is one transaction with its audit event. */
export function createManagement(parts: ManagementParts): Management {
  const { storage } = parts
  /** Waits until this process knows, so that who asks next finds it done. */
  const settled = async <Value>(change: Promise<Value>): Promise<Value> => {
    const value = await change
    await parts.afterChange()
    return value
  }
  /** For changes that the storage records by itself. */
  const told = async (
    event: AuthorizationServerEventName | ((user: UserProfile) => AuthorizationServerEventName),
    options: ChangeOptions | undefined,
    change: Promise<UserProfile>,
  ): Promise<UserProfile> => {
    const user = await settled(change)
    const { userId, role } = user
    const name = typeof event === 'string' ? event : event(user)
    const details = { userId, role }
    parts.tell({ event: name, outcome: 'done', actor: actorOf(options), details })
    return user
  }

  return {
    users: {
      find: (name) => findUser(storage, name),
      list: (options) => storage.users.list(options),
      allow: (email, options) =>
        told(
          ({ status }) => (status === 'invited' ? 'user.invite' : 'user.allow'),
          options,
          allowUser(parts, email, options),
        ),
      suspend: (name, options) =>
        told(
          'user.suspend',
          options,
          suspendUser(parts, name, options).then(({ user }) => user),
        ),
      activate: (name, options) =>
        told('user.activate', options, activateUser(parts, name, options)),
      setRole: (name, role, options) =>
        told('user.role', options, setUserRole(parts, name, role, options)),
      async erase(name, options) {
        const erased = await settled(eraseUser(parts, name, options))
        parts.tell({ event: 'user.remove', outcome: 'done', actor: actorOf(options) })
        return erased
      },
      async stats({ days = ACTIVE_DAYS } = {}) {
        if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS) {
          const message = `must be a whole number from 1 to ${MOST_DAYS}`
          return refuseArgument('users.stats', 'days', message)
        }
        const counts = await storage.users.count()
        return { ...counts, activeUsers: await storage.users.countActive(days), days }
      },
    },
    clients: {
      async find(clientId) {
        const record = await storage.clients.findListed(clientId)
        return record && managedClient(record)
      },
      list: async (options) => (await storage.clients.list(options)).map(managedClient),
      create: (input, options) => createClient(parts, input, options),
      rotateSecret: (clientId, options) => rotateClientSecret(parts, clientId, options),
      revoke: (clientId, options) => settled(revokeClient(parts, clientId, options)),
    },
    sessions: {
      async list({ user, clientId, after, limit } = {}) {
        const userId = user === undefined ? undefined : (await requireUser(storage, user)).userId
        return (await storage.grants.list({ userId, clientId, after, limit })).map(connectedApp)
      },
      revoke: (sessionId, { actor } = {}) => settled(endConnection(parts, sessionId, { actor })),
      revokeUser: (name, options) => settled(endConnectionsOf(parts, name, options)),
    },
    signingKeys: {
      status: async () => keyStatuses(await storage.signingKeys.list()),
      async rotate({ compromised = false, ...options } = {}) {
        const change = storage.transaction(async () => {
          const keys = await rotateStoredKeys(
            { ...parts, policy: parts.keyPolicy },
            { compromised },
          )
          await parts.record({
            event: 'signing-keys.rotate',
            outcome: 'done',
            actor: actorOf(options),
            ...(compromised ? { reason: 'compromised' } : {}),
          })
          return keys
        })
        const keys = await settled(change)
        await parts.afterKeyChange()
        return keyStatuses(keys)
      },
    },
    audit: {
      list: (options) => storage.auditTrail.list(options),
    },
  }
}
