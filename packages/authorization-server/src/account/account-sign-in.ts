import { randomBytes } from 'node:crypto'
import type { Interaction } from 'oidc-provider'
import { cookieNames, formatCookie, readCookie } from '../engine/cookies.js'
import type { Engine } from '../engine/engine.js'
import { type Answer, type EndpointRequest, redirectAnswer } from '../engine/http.js'
import { PATHS } from '../engine/paths.js'
import { digestBrowser, identifyBrowser } from '../interaction/csrf.js'
import type { InteractionContext } from '../interaction/interaction-context.js'

/** Sends a browser in which nobody is signed in to the ways in, and from there back to the account page. */
export async function beginAccountSignIn(
  engine: Engine,
  request: EndpointRequest,
): Promise<Answer> {
  const { lifetimes, issuer } = engine.parts
  const browser = identifyBrowser(engine.parts, request)
  const uid = randomBytes(32).toString('base64url')
  const path = `${PATHS.interaction}/${uid}`
  const content = {
    // By this it is known to be of no app; there is nowhere else to go back to.
    returnTo: PATHS.account,
    prompt: { name: 'login', reasons: ['account'], details: {} },
    params: {},
    browser: digestBrowser(browser.id),
  }
  // The types of the engine leave out what this constructor takes.
  const interaction: Interaction = Reflect.construct(engine.provider.Interaction, [uid, content])
  await interaction.save(lifetimes.interaction)
  const cookie = formatCookie(issuer, 'interaction', uid, { path, maxAge: lifetimes.interaction })
  const cookies = browser.setCookie === undefined ? [cookie] : [cookie, browser.setCookie]
  return redirectAnswer(path, { 'set-cookie': cookies })
}

/** Puts the session of a user in the place of what this browser had, under a new id. */
async function openSession(
  { provider, parts }: Engine,
  request: EndpointRequest,
  userId: string,
): Promise<string> {
  const { issuer, lifetimes } = parts
  const name = cookieNames(issuer).session
  const old = await provider.Session.find(readCookie(request.headers.cookie, name) ?? '')
  // That of the same person knows which apps were approved; any other one ends here.
  const isSame = old?.accountId === userId
  if (old !== undefined && !isSame) await old.destroy()
  const session = old !== undefined && isSame ? old : new provider.Session()
  // Whoever knew the id before, or set it, does not know this one.
  session.resetIdentifier()
  session.loginAccount({ accountId: userId })
  await session.save(lifetimes.session)
  return formatCookie(issuer, 'session', session.jti, { maxAge: lifetimes.session })
}

/** Opens the session of who has signed in for the account page. Works once. */
export async function finishAccountSignIn(
  { engine, interaction, path }: InteractionContext,
  request: EndpointRequest,
): Promise<Answer> {
  const { storage, issuer } = engine.parts
  const { result } = interaction
  const userId = result !== undefined && 'login' in result ? result.login?.accountId : undefined
  if (userId === undefined) return redirectAnswer(path)
  return storage.transaction(async () => {
    await interaction.destroy()
    const ended = formatCookie(issuer, 'interaction', '', { path, maxAge: 0 })
    // Held until the commit, so that a suspension ends this session as well.
    const user = await storage.users.hold(userId)
    if (user?.status !== 'active') return redirectAnswer(PATHS.account, { 'set-cookie': ended })
    const opened = await openSession(engine, request, userId)
    return redirectAnswer(PATHS.account, { 'set-cookie': [opened, ended] })
  })
}
