import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type { Engine } from '../engine/engine.js'
import { normalizeEmail } from '../login/email.js'
import { revokeClient } from '../management/client-changes.js'
import type { AdminActor } from '../management/management.js'
import type { ManagementParts } from '../management/management-parts.js'
import { managementPartsOf } from '../management/server-management.js'
import { activateUser, allowUser, suspendUser } from '../management/user-changes.js'
import { FORM_FIELDS } from '../pages/form-fields.js'

const USER = /^users\/([0-9a-f-]{36})\/(suspend|activate)$/
const CLIENT = /^clients\/([\w-]{1,4000})\/revoke$/

/** How a change ended. `absent`: there is no such thing to change. */
export type AdminOutcome = 'done' | 'refused' | 'absent'

interface Change {
  /** Locks the records that the change ends. */
  readonly lock?: () => Promise<void>
  readonly run: (parts: ManagementParts, actor: AdminActor) => Promise<unknown>
}

/** Reads what a form asks for. `undefined`: it is no change of an admin. */
function readChange(
  { parts: { storage } }: Engine,
  action: string,
  form: URLSearchParams,
  ownId: string,
): Change | AdminOutcome | undefined {
  if (action === 'users/invite') {
    const email = normalizeEmail(form.get(FORM_FIELDS.inviteEmail) ?? '')
    if (email === undefined) return 'refused'
    return { run: (management, actor) => allowUser(management, email, { actor }) }
  }
  const [, userId, verb] = USER.exec(action) ?? []
  if (userId !== undefined) {
    if (userId === ownId) return 'refused'
    return {
      lock: () => storage.grants.lockOfUser(userId),
      async run(management, actor) {
        if ((await storage.users.find(userId)) === undefined) return 'absent'
        return verb === 'suspend'
          ? suspendUser(management, userId, { actor })
          : activateUser(management, userId, { actor })
      },
    }
  }
  const [, encoded] = CLIENT.exec(action) ?? []
  if (encoded === undefined) return undefined
  const clientId = Buffer.from(encoded, 'base64url').toString('utf8')
  return {
    lock: () => storage.grants.lockOfClient(clientId),
    async run(management, actor) {
      if ((await storage.clients.findListed(clientId)) === undefined) return 'absent'
      return revokeClient(management, clientId, { actor })
    },
  }
}

/**
 * Does what an admin asks for. In the transaction of the change the caller is an active admin, and stays
 * one: of two admins who suspend each other the second one is refused, so that there is always one left.
 */
export async function actAsAdmin(
  engine: Engine,
  action: string,
  form: URLSearchParams,
  ownId: string,
): Promise<AdminOutcome | undefined> {
  const change = readChange(engine, action, form, ownId)
  if (typeof change !== 'object') return change
  const { storage, issuer } = engine.parts
  const management = managementPartsOf(engine)
  const act = async (): Promise<AdminOutcome> => {
    await change.lock?.()
    const admins = await storage.users.lockAdmins()
    if (!admins.some(({ userId }) => userId === ownId)) return 'refused'
    const result = await change.run(management, { issuer, subject: ownId })
    return result === 'absent' ? 'absent' : 'done'
  }
  try {
    const outcome = await storage.transaction(act)
    await engine.feed.refresh()
    return outcome
  } catch (error) {
    // What is asked for cannot be done, such as inviting an address that several users have.
    if (error instanceof ConfigurationError) return 'refused'
    throw error
  }
}
