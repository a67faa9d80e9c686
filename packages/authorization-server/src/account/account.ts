import { formatCookie } from '../engine/cookies.js'
import { ownerOf } from '../engine/credential-owner.js'
import type { Engine } from '../engine/engine.js'
import {
  type Answer,
  type EndpointRequest,
  errorPage,
  pageAnswer,
  parseForm,
  redirectAnswer,
} from '../engine/http.js'
import { PATHS } from '../engine/paths.js'
import { attemptToken, keepToken, PROBLEM_STATUS, retryAfter } from '../interaction/api-token.js'
import { identifyBrowser, isOwnForm } from '../interaction/csrf.js'
import { endConnection } from '../management/connected-apps.js'
import { managementPartsOf } from '../management/server-management.js'
import type { AccountView } from '../pages/pages.js'
import { type AccountSession, findAccountSession } from './account-session.js'
import { beginAccountSignIn } from './account-sign-in.js'
import { type AccountOutcome, describeAccount } from './account-view.js'
import { actAsAdmin } from './admin-actions.js'
import { upstreamAccounts } from './upstream-accounts.js'

const MAX_FORM = 64 * 1024
const NOTICES = ['revoked', 'replaced', 'removed'] as const
const APP = /^apps\/([0-9a-f]{64})\/revoke$/
const CREDENTIAL = /^credentials\/([\w-]{1,64})\/(replace|remove)$/

async function showAccount(
  engine: Engine,
  request: EndpointRequest,
  session: AccountSession,
  outcome: AccountOutcome = {},
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { parts } = engine
  const browser = identifyBrowser(parts, request)
  const page = parts.pages.account(await describeAccount(engine, session, browser.id, outcome))
  return pageAnswer(parts.pages, status, page, {
    ...headers,
    ...(browser.setCookie === undefined ? {} : { 'set-cookie': browser.setCookie }),
  })
}

/** Back to the page, so that loading it again repeats nothing. */
function done(notice?: NonNullable<AccountView['notice']>): Answer {
  return redirectAnswer(notice === undefined ? PATHS.account : `${PATHS.account}?notice=${notice}`)
}

async function signOut({ parts }: Engine, session: AccountSession): Promise<Answer> {
  await session.end()
  const cookie = formatCookie(parts.issuer, 'session', '', { maxAge: 0 })
  return redirectAnswer(PATHS.account, { 'set-cookie': cookie })
}

async function revokeApp(
  engine: Engine,
  { user }: AccountSession,
  sessionId: string,
): Promise<Answer | undefined> {
  const { userId } = user
  const actor = { issuer: engine.parts.issuer, subject: userId }
  const isEnded = await endConnection(managementPartsOf(engine), sessionId, { actor, userId })
  await engine.feed.refresh()
  return isEnded ? done('revoked') : undefined
}

/** Takes, replaces or removes the caller's own token. Whose it is follows from the session alone. */
async function changeCredential(
  engine: Engine,
  request: EndpointRequest,
  session: AccountSession,
  provider: string,
  form: URLSearchParams | undefined,
): Promise<Answer | undefined> {
  const { parts } = engine
  const { credentials, issuer, events } = parts
  const login = upstreamAccounts(parts).find(({ id }) => id === provider)
  if (login === undefined || credentials === undefined) return undefined
  const { userId, providerIssuer, providerUserId } = session.user
  const key = { provider, owner: ownerOf(issuer, userId) }
  if (form === undefined) {
    if (!(await credentials.delete(key))) return undefined
    const actor = { issuer, subject: userId }
    await events.record({
      event: 'credential.disconnect',
      outcome: 'done',
      actor,
      details: { provider },
    })
    return done('removed')
  }
  const verified = await attemptToken(parts, login, form, request.network)
  // Who signed in with an account must not come to act as another one.
  const isOther =
    verified.ok && login.issuer === providerIssuer && verified.account.subject !== providerUserId
  if (verified.ok && !isOther) {
    await keepToken(parts, login, userId, undefined, verified.token)
    return done('replaced')
  }
  const kind = verified.ok ? 'refused' : verified.problem
  const headers = verified.ok ? {} : retryAfter(verified.wait)
  return showAccount(
    engine,
    request,
    session,
    { problem: { provider, kind } },
    PROBLEM_STATUS[kind],
    headers,
  )
}

async function act(
  engine: Engine,
  request: EndpointRequest,
  session: AccountSession,
  action: string,
  form: URLSearchParams,
): Promise<Answer> {
  const { pages } = engine.parts
  const absent = () => errorPage(pages, 404, 'bad_request')
  if (action === 'sign-out') return signOut(engine, session)
  const [, sessionId] = APP.exec(action) ?? []
  if (sessionId !== undefined) return (await revokeApp(engine, session, sessionId)) ?? absent()
  const [, provider, verb] = CREDENTIAL.exec(action) ?? []
  if (provider !== undefined) {
    const fields = verb === 'replace' ? form : undefined
    return (await changeCredential(engine, request, session, provider, fields)) ?? absent()
  }
  const { userId, role } = session.user
  // To others these paths do not exist.
  if (role !== 'admin') return absent()
  const outcome = await actAsAdmin(engine, action, form, userId)
  if (outcome === 'done') return done()
  return outcome === 'refused' ? errorPage(pages, 403, 'forbidden') : absent()
}

function noticeOf(query: string): AccountView['notice'] {
  const asked = new URLSearchParams(query).get('notice')
  return NOTICES.find((notice) => notice === asked)
}

/** Answers `/account` and the forms under it. Getting a page changes nothing. */
export async function answerAccount(
  engine: Engine,
  request: EndpointRequest,
  action: string,
): Promise<Answer> {
  const { parts } = engine
  const { pages } = parts
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (action !== '') return errorPage(pages, 404, 'bad_request')
    const session = await findAccountSession(engine, request)
    if (session === undefined) return beginAccountSignIn(engine, request)
    return showAccount(engine, request, session, { notice: noticeOf(request.query) })
  }
  if (request.method !== 'POST') return errorPage(pages, 405, 'bad_request')

  const text = await request.body(MAX_FORM)
  const form = text === undefined ? undefined : parseForm(text)
  if (form === undefined) return errorPage(pages, 400, 'bad_request')
  const session = await findAccountSession(engine, request)
  if (session === undefined) return errorPage(pages, 403, 'expired')
  if (!isOwnForm(parts, request, form, session.uid)) {
    parts.events.tell({ event: 'form', outcome: 'denied', reason: 'csrf' })
    return errorPage(pages, 403, 'forbidden')
  }
  return act(engine, request, session, action, form)
}
