import { finishAccountSignIn } from '../account/account-sign-in.js'
import { findLogin } from '../engine/accounts.js'
import type { Engine } from '../engine/engine.js'
import {
  type Answer,
  type EndpointRequest,
  errorPage,
  pageAnswer,
  parseForm,
  redirectAnswer,
} from '../engine/http.js'
import { RateLimitedError } from '../limits/rate-limited.js'
import { isDirectRequest } from '../login/direct-request.js'
import type { DevLogin } from '../login/login-provider.js'
import { FORM_FIELDS } from '../pages/form-fields.js'
import { refreshHeader } from '../pages/refresh-header.js'
import { connectToken, signInByToken, skipConnect } from './api-token.js'
import { beginAttempt } from './attempt.js'
import { approve, deny } from './consent.js'
import { identifyBrowser, isOfBrowser, isOwnForm, readBrowser } from './csrf.js'
import { startFederation, takePendingFederation } from './federation.js'
import {
  type AppInteraction,
  hasInteractionCookie,
  type InteractionContext,
  isOfApp,
  openInteraction,
} from './interaction-context.js'
import { renderConnect, renderConsent, renderSignIn } from './pages-of-interaction.js'
import { completeSignIn, denyAnswer } from './sign-in.js'

const MAX_FORM = 64 * 1024

/** The person that the engine found signed in when it asked. */
function signedIn({ interaction }: InteractionContext): string | undefined {
  return interaction.session?.accountId
}

async function showPage(context: InteractionContext, request: EndpointRequest): Promise<Answer> {
  const { parts } = context.engine
  const browser = identifyBrowser(parts, request)
  const headers: Record<string, string> =
    browser.setCookie === undefined ? {} : { 'set-cookie': browser.setCookie }
  const userId = signedIn(context)
  const { name } = context.interaction.prompt
  const page =
    name === 'login' || userId === undefined || !isOfApp(context)
      ? renderSignIn(context, browser.id)
      : name === 'connect'
        ? await renderConnect(context, browser.id, userId)
        : await renderConsent(context, browser.id, userId)
  return pageAnswer(parts.pages, 200, page, headers)
}

/** The page that goes on to the app's request; the answer of a form may not leave this origin. */
function showContinue(context: AppInteraction): Answer {
  const { pages } = context.engine.parts
  const { returnTo, result } = context.interaction
  if (result === undefined) return redirectAnswer(context.path)
  const outcome =
    'error' in result ? 'declined' : result.consent === undefined ? undefined : 'connected'
  const page = pages.done({ client: context.client, continueUrl: returnTo, outcome })
  return pageAnswer(pages, 200, page, { refresh: refreshHeader(returnTo) })
}

async function showLeave(context: InteractionContext): Promise<Answer> {
  const { pages } = context.engine.parts
  const pending = await takePendingFederation(context)
  if (pending === undefined) return redirectAnswer(context.path)
  const { url: continueUrl, provider } = pending
  const page = pages.leaving({ provider, continueUrl })
  return pageAnswer(pages, 200, page, { refresh: refreshHeader(continueUrl) })
}

async function signInWithoutProof(
  context: InteractionContext,
  browser: string,
  login: DevLogin,
  form: URLSearchParams,
  request: EndpointRequest,
): Promise<Answer | undefined> {
  const { issuer, limits, events } = context.engine.parts
  if (!isDirectRequest(request.headers)) {
    const details = { provider: login.id }
    // Not in the trail, which anybody could fill.
    events.tell({ event: 'sign-in', outcome: 'denied', reason: 'not_direct', details })
    return denyAnswer(context, browser, 'not_direct')
  }
  const subject = form.get(FORM_FIELDS.devSubject)
  const attempt = await beginAttempt(limits, request.network)
  if (attempt.wait !== undefined) throw new RateLimitedError(attempt.wait)
  const user = login.users.find((each) => each.subject === subject)
  if (user === undefined) return undefined
  await attempt.undo()
  return completeSignIn(context, browser, { provider: login.id, issuer, ...user })
}

async function signIn(
  context: InteractionContext,
  browser: string,
  loginId: string,
  form: URLSearchParams,
  request: EndpointRequest,
): Promise<Answer | undefined> {
  const login = findLogin(context.engine.parts.logins, loginId)
  if (login?.kind === 'redirect') return startFederation(context, browser, login)
  if (login?.kind === 'api-token') {
    return signInByToken(context, browser, login, form, request.network)
  }
  return login?.kind === 'dev'
    ? signInWithoutProof(context, browser, login, form, request)
    : undefined
}

/** Asks for a sign-in again although somebody is signed in. */
async function switchUser(context: InteractionContext): Promise<Answer> {
  const { interaction } = context
  interaction.prompt = { name: 'login', reasons: ['switch_user'], details: {} }
  // It is of the person before.
  interaction.lastSubmission = undefined
  await interaction.persist()
  return redirectAnswer(context.path)
}

async function act(
  context: InteractionContext,
  browser: string,
  action: string,
  form: URLSearchParams,
  request: EndpointRequest,
): Promise<Answer | undefined> {
  const userId = signedIn(context)
  const { prompt } = context.interaction
  if (action === 'deny') return isOfApp(context) ? deny(context) : undefined
  if (action.startsWith('login/')) {
    // After sign-in only the page with the ways in may start another one.
    return prompt.name === 'login'
      ? signIn(context, browser, action.slice('login/'.length), form, request)
      : undefined
  }
  if (userId === undefined || !isOfApp(context)) return undefined
  if (action === 'switch') return switchUser(context)
  if (prompt.name === 'connect') {
    if (action === 'connect') return connectToken(context, browser, userId, form, request.network)
    return action === 'skip' ? skipConnect(context) : undefined
  }
  return prompt.name === 'consent' && action === 'consent' ? approve(context, userId) : undefined
}

/** Answers everything under `/oauth/interaction/<uid>`. */
export async function answerInteraction(
  engine: Engine,
  request: EndpointRequest,
  uid: string,
  action: string,
): Promise<Answer> {
  const { pages } = engine.parts
  // Whoever was sent the address of somebody else's page has not its cookie.
  if (!hasInteractionCookie(engine, request, uid)) return errorPage(pages, 400, 'expired')
  const context = await openInteraction(engine, uid)
  // Whoever was given the cookie as well is still not the browser in which it began.
  if (context === undefined || !isOfBrowser(engine.parts, request, context.interaction)) {
    return errorPage(pages, 400, 'expired')
  }

  if (request.method === 'GET' || request.method === 'HEAD') {
    if (action === '') return showPage(context, request)
    if (action === 'continue') {
      return isOfApp(context) ? showContinue(context) : finishAccountSignIn(context, request)
    }
    if (action === 'leave') return showLeave(context)
    return errorPage(pages, 404, 'bad_request')
  }
  if (request.method !== 'POST') return errorPage(pages, 405, 'bad_request')

  const text = await request.body(MAX_FORM)
  const form = text === undefined ? undefined : parseForm(text)
  if (form === undefined) return errorPage(pages, 400, 'bad_request')
  const browser = readBrowser(engine.parts, request)
  if (browser === undefined || !isOwnForm(engine.parts, request, form)) {
    engine.parts.events.tell({ event: 'form', outcome: 'denied', reason: 'csrf' })
    return errorPage(pages, 403, 'forbidden')
  }
  // A second submit of a form that has led somewhere goes there again.
  if (context.interaction.result !== undefined) {
    return redirectAnswer(`${context.path}/continue`)
  }
  const answer = await act(context, browser, action, form, request)
  return answer ?? errorPage(pages, 400, 'bad_request')
}
