import { keepConsentFacts, redirectFingerprint } from '../engine/consent-facts.js'
import { type Answer, errorPage, redirectAnswer } from '../engine/http.js'
import { IDENTITY_SCOPES, type ResourceDefinition } from '../engine/resources.js'
import { type AppInteraction, readParam, saveResult } from './interaction-context.js'

/** What a client asks for and what of it the person may give. */
export interface RequestedScopes {
  readonly resource: ResourceDefinition
  readonly identity: readonly string[]
  readonly granted: readonly string[]
  /** Asked for, and not given by the policy. */
  readonly withheld: readonly string[]
}

/** Reads the scopes of the request and asks the policy. */
export async function requestedScopes(
  context: AppInteraction,
  userId: string,
): Promise<RequestedScopes> {
  const { scopePolicy, resources, storage } = context.engine.parts
  const resource = resources.find(readParam(context.interaction, 'resource')) ?? resources.only
  if (resource === undefined) throw new TypeError('the request names no resource')
  const asked = readParam(context.interaction, 'scope').split(' ')
  const identity = asked.filter((scope) => (IDENTITY_SCOPES as readonly string[]).includes(scope))
  const requested = asked.filter((scope) => resource.scopes.has(scope))
  const user = scopePolicy && (await storage.users.find(userId))
  if (scopePolicy === undefined || user === undefined) {
    return { resource, identity, granted: requested, withheld: [] }
  }
  const { clientId, clientName } = context
  const client = { clientId, clientName }
  const allowed = new Set(
    await scopePolicy({ user, client, resource: resource.resource, requested }),
  )
  return {
    resource,
    identity,
    granted: requested.filter((scope) => allowed.has(scope)),
    withheld: requested.filter((scope) => !allowed.has(scope)),
  }
}

/** Records the approval as a grant of its own, so that ending one app's access ends no other. */
export async function approve(context: AppInteraction, userId: string): Promise<Answer> {
  const { engine, clientId } = context
  const { storage, events, now, issuer, pages } = engine.parts
  // The policy is code of the application, which may use the database as well.
  const { resource, identity, granted, withheld } = await requestedScopes(context, userId)
  // And the client may be a document elsewhere, for which no transaction may wait.
  const client = await engine.provider.Client.find(clientId)
  return storage.transaction(async () => {
    // Held until the commit, so that a suspension comes before this or ends the grant.
    if ((await storage.users.hold(userId))?.status !== 'active') {
      return errorPage(pages, 403, 'forbidden')
    }
    const grant = new engine.provider.Grant({ accountId: userId, clientId })
    if (identity.length > 0) grant.addOIDCScope(identity.join(' '))
    if (granted.length > 0) grant.addResourceScope(resource.resource, granted.join(' '))
    if (withheld.length > 0) grant.rejectResourceScope(resource.resource, withheld.join(' '))
    const grantId = await grant.save()
    await keepConsentFacts(engine.parts, grantId, {
      redirects: redirectFingerprint(client?.redirectUris ?? []),
      resource: resource.resource,
      clientName: context.client.name,
      clientHost: context.client.idHost ?? context.client.redirectHost,
      grantedAt: Math.floor(now() / 1000),
    })
    await saveResult(context, { consent: { grantId } })
    await events.record({
      event: 'consent',
      outcome: 'done',
      actor: { issuer, subject: userId, clientId },
      details: { scope: granted.join(' '), resource: resource.resource },
    })
    return redirectAnswer(`${context.path}/continue`)
  })
}

/** Tells the app that the person said no. */
export async function deny(context: AppInteraction): Promise<Answer> {
  const { events, issuer } = context.engine.parts
  const subject = context.interaction.session?.accountId ?? 'unknown'
  await saveResult(context, {
    error: 'access_denied',
    error_description: 'the request was declined',
  })
  await events.record({
    event: 'consent',
    outcome: 'denied',
    reason: 'declined',
    actor: { issuer, subject, clientId: context.clientId },
  })
  return redirectAnswer(`${context.path}/continue`)
}
