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

type Change = (parts: ManagementParts, actor: AdminActor) => Promise<unknown>

/** Reads what a form asks for. `undefined`: it is no change of an admin. */
function readChange(
  { parts }: Engine,
  action: string,
  form: URLSearchParams,
  ownId: string,
): Change | AdminOutcome | undefined {
  if (action === 'users/invite') {
    const email = normalizeEmail(form.get(FORM_FIELDS.inviteEmail) ?? '')
    if (email === undefined) return 'refused'
    return (management, actor) => allowUser(management, email, { actor })
  }
  const [, userId, verb] = USER.exec(action) ?? []
  if (userId !== undefined) {
    if (userId === ownId) return 'refused'
    return async (management, actor) => {
      if ((await parts.storage.users.find(userId)) === undefined) return 'absent'
      return verb === 'suspend'
        ? suspendUser(management, userId, { actor })
        : activateUser(management, userId, { actor })
    }
  }
  const [, encoded] = CLIENT.exec(action) ?? []
  if (encoded === undefined) return undefined
  const clientId = Buffer.from(encoded, 'base64url').toString('utf8')
  return async (management, actor) => {
    if ((await parts.storage.clients.find(clientId)) === undefined) return 'absent'
    return revokeClient(management, clientId, { actor })
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
  if (typeof change !== 'function') return change
  const { storage, issuer } = engine.parts
  const management = managementPartsOf(engine)
  const outcome = await storage.transaction(async (): Promise<AdminOutcome> => {
    const admins = await storage.users.lockAdmins()
    if (!admins.some(({ userId }) => userId === ownId)) return 'refused'
    const result = await change(management, { issuer, subject: ownId })
    return result === 'absent' ? 'absent' : 'done'
  })
  await engine.feed.refresh()
  return outcome
}
