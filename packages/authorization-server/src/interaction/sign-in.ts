import { findLogin, isAdmitted } from '../engine/accounts.js'
import { type Answer, pageAnswer, redirectAnswer } from '../engine/http.js'
import { IDENTITY_FACTS, type IdentityFacts } from '../engine/identity-facts.js'
import type { VerifiedIdentity } from '../login/login-provider.js'
import type { DeniedView } from '../pages/pages.js'
import type { UserProfile } from '../storage/storage.js'
import { formView, type InteractionContext, isOfApp, saveResult } from './interaction-context.js'

/** Shows why somebody does not come in, with the way back to the app. */
export function denyAnswer(
  context: InteractionContext,
  browser: string,
  reason: DeniedView['reason'],
  identity?: VerifiedIdentity,
): Answer {
  const { pages, logins } = context.engine.parts
  const user =
    identity === undefined
      ? undefined
      : {
          name: identity.name,
          email: identity.email,
          provider: findLogin(logins, identity.provider)?.label ?? identity.provider,
        }
  const back = isOfApp(context) ? formView(context, browser, 'deny') : undefined
  return pageAnswer(pages, 403, pages.denied({ user, reason, back }))
}

/** Ends the session of another person, which the engine would ask about on a page of its own. */
async function endOtherSession(context: InteractionContext, userId: string): Promise<void> {
  const { interaction, engine } = context
  const { session } = interaction
  if (session?.accountId === undefined || session.accountId === userId) return
  const stored = await engine.provider.Session.findByUid(session.uid)
  await stored?.destroy()
  interaction.session = undefined as never
}

async function admit(
  context: InteractionContext,
  identity: VerifiedIdentity,
): Promise<UserProfile | DeniedView['reason']> {
  const { parts } = context.engine
  const { storage } = parts
  const known = await storage.users.findByIdentity(identity.issuer, identity.subject)
  if (known?.status === 'suspended') return 'suspended'
  const invitation =
    identity.email === undefined ? undefined : await storage.users.findInvitation(identity.email)
  const facts =
    known === undefined
      ? undefined
      : ((await storage.records(IDENTITY_FACTS).find(known.userId))?.facts as
          | IdentityFacts
          | undefined)
  const invited = invitation !== undefined || facts?.invited === true
  if (!isAdmitted(parts, identity, invited)) return 'not_admitted'

  const { provider, issuer, subject, email, name, picture, hostedDomain, tenant } = identity
  const user = await storage.users.signIn({ provider, issuer, subject, email, name, picture })
  if (user.status !== 'active') return 'suspended'
  const kept: IdentityFacts = { provider, hostedDomain, tenant, invited }
  await storage.records(IDENTITY_FACTS).upsert(user.userId, { facts: kept })
  return user
}

/** Decides, and records the sign-in or its denial, in one transaction. */
async function decide(
  context: InteractionContext,
  identity: VerifiedIdentity,
): Promise<UserProfile | DeniedView['reason']> {
  const { parts } = context.engine
  return parts.storage.transaction(async () => {
    const user = await admit(context, identity)
    if (typeof user !== 'string') return user
    await parts.events.record({
      event: 'sign-in',
      outcome: 'denied',
      reason: user,
      details: { provider: identity.provider },
      actor: { issuer: identity.issuer, subject: identity.subject, clientId: context.clientId },
    })
    return user
  })
}

/**
 * Lets a verified identity in, or not. `afterAdmission` runs outside of any transaction, since what it
 * writes to may be the same embedded database, which has one session.
 *
 * @returns where the browser goes next: on to the app's request, or the page that says no.
 */
export async function completeSignIn(
  context: InteractionContext,
  browser: string,
  identity: VerifiedIdentity,
  afterAdmission?: (user: UserProfile) => Promise<void>,
): Promise<Answer> {
  const { parts } = context.engine
  const user = await decide(context, identity)
  if (typeof user === 'string') return denyAnswer(context, browser, user, identity)
  await afterAdmission?.(user)
  await parts.storage.transaction(async () => {
    await endOtherSession(context, user.userId)
    await saveResult(context, { login: { accountId: user.userId } })
    await parts.events.record({
      event: 'sign-in',
      outcome: 'done',
      details: { provider: identity.provider },
      actor: { issuer: parts.issuer, subject: user.userId, clientId: context.clientId },
    })
  })
  return redirectAnswer(`${context.path}/continue`)
}
