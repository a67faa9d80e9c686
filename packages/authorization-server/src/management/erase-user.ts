import { createHash, randomUUID } from 'node:crypto'
import { type CredentialKey, credentialKeyId } from '@bestviable/mcp-auth-middleware'
import { IDENTITY_FACTS } from '../engine/identity-facts.js'
import type { ForgottenNames, UserProfile } from '../storage/storage.js'
import { requireUser } from './find-user.js'
import type { ChangeOptions, ErasedUser } from './management.js'
import { actorOf, endOfTokens, type ManagementParts } from './management-parts.js'
import { refuseArgument } from './refuse.js'
import { suspendUser } from './user-changes.js'

/** Keys of the upstream credentials of a user. */
async function credentialKeysOf(
  { credentials, issuer }: ManagementParts,
  userId: string,
): Promise<readonly CredentialKey[]> {
  const keys: CredentialKey[] = []
  for await (const key of credentials?.keys() ?? []) {
    const { owner } = key
    if (owner.kind !== 'user' || owner.subject !== userId) continue
    if (issuer === undefined || owner.issuer === issuer) keys.push(key)
  }
  return keys
}

async function deleteAll(
  { credentials }: ManagementParts,
  keys: readonly CredentialKey[],
): Promise<number> {
  let deleted = 0
  for (const key of keys) if ((await credentials?.delete(key)) === true) deleted += 1
  return deleted
}

function digestOf(provider: string, issuer: string, subject: string): string {
  const key = { provider, owner: { kind: 'user', issuer, subject } } as const
  return createHash('sha256').update(credentialKeyId(key)).digest('base64url')
}

/** Everything under which a person can stand in the audit trail. */
async function namesOf(
  { storage, issuer }: ManagementParts,
  user: UserProfile,
  keys: readonly CredentialKey[],
): Promise<ForgottenNames> {
  const { userId, email, providerIssuer, providerUserId } = user
  const known = await storage.auditTrail.credentialNames(userId)
  const providers = new Set([...known.providers, ...keys.map(({ provider }) => provider)])
  const issuers = new Set(known.issuers)
  if (issuer !== undefined) issuers.add(issuer)
  for (const { owner } of keys) if (owner.kind === 'user') issuers.add(owner.issuer)

  const actors = [...issuers].map((each) => ({ issuer: each, subject: userId }))
  if (providerIssuer !== undefined && providerUserId !== undefined) {
    actors.push({ issuer: providerIssuer, subject: providerUserId })
  }
  const texts = email === undefined ? [userId] : [userId, email]
  const keyDigests = [...providers].flatMap((provider) =>
    [...issuers].map((each) => digestOf(provider, each, userId)),
  )
  return { actors, texts, keyDigests }
}

/**
 * Removes a user. In this order, so that a failure leaves a suspended user, whom the next call finds:
 * kept out, credentials, audit trail, and at last the profile.
 */
export async function eraseUser(
  parts: ManagementParts,
  userIdOrEmail: string,
  options?: ChangeOptions,
): Promise<ErasedUser> {
  const { storage, credentials } = parts
  const user = await requireUser(storage, userIdOrEmail)
  const { userId } = user
  const kept = await credentialKeysOf(parts, userId)
  if (kept.length > 0 && credentials?.capabilities.write !== true) {
    return refuseArgument(
      'users.erase',
      'credentials',
      `the store holds ${kept.length} credentials of the user and can only be read; remove them there first. Nothing was changed`,
    )
  }
  const { sessions } = await suspendUser(parts, userId, options)
  await parts.afterChange()

  // Again: a request may have kept one meanwhile. Those that come later find the user suspended, or gone,
  // and take it away themselves.
  const keys = await credentialKeysOf(parts, userId)
  let deleted = await deleteAll(parts, keys)
  const names = await namesOf(parts, user, keys)
  const auditEvents = await storage.auditTrail.forget(names, `erased-${randomUUID()}`)

  await storage.transaction(async () => {
    await storage.grants.revokeByUser(userId, endOfTokens(parts))
    await storage.records(IDENTITY_FACTS).destroy(userId)
    await storage.users.remove(userId, actorOf(options))
  })
  // Whoever was stopped between the two leaves it here.
  deleted += await deleteAll(parts, await credentialKeysOf(parts, userId))
  return { userId, sessions, credentials: deleted, auditEvents }
}
