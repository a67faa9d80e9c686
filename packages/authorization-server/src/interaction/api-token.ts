import { ownerOf } from '../engine/credential-owner.js'
import { type Answer, pageAnswer, redirectAnswer } from '../engine/http.js'
import type { EngineParts } from '../engine/parts.js'
import type { ApiTokenAccount, ApiTokenLogin } from '../login/login-provider.js'
import { FORM_FIELDS } from '../pages/form-fields.js'
import type { ApiTokenView } from '../pages/pages.js'
import { beginAttempt } from './attempt.js'
import {
  type AppInteraction,
  formView,
  type InteractionContext,
  saveResult,
} from './interaction-context.js'
import { renderConnect, renderSignIn } from './pages-of-interaction.js'
import { completeSignIn } from './sign-in.js'

const VERIFY_MILLISECONDS = 10_000

type Verified =
  | { readonly ok: true; readonly token: string; readonly account: ApiTokenAccount }
  | {
      readonly ok: false
      readonly problem: NonNullable<ApiTokenView['problem']>
      /** Seconds to wait before another attempt. */
      readonly wait?: number | undefined
    }

async function verifyToken(login: ApiTokenLogin, token: string): Promise<Verified> {
  try {
    const signal = AbortSignal.timeout(VERIFY_MILLISECONDS)
    const account = await login.verify(token, { signal })
    return account === undefined ? { ok: false, problem: 'refused' } : { ok: true, token, account }
  } catch {
    // The upstream could not be asked; its error may quote the token.
    return { ok: false, problem: 'unavailable' }
  }
}

/** Checks a pasted token at the upstream, as often as the limits allow. */
export async function attemptToken(
  { limits }: EngineParts,
  login: ApiTokenLogin,
  form: URLSearchParams,
  network: string,
): Promise<Verified> {
  const token = (form.get(FORM_FIELDS.apiToken) ?? '').trim()
  if (token === '') return { ok: false, problem: 'empty' }
  const { wait, undo } = await beginAttempt(limits, network)
  if (wait !== undefined) return { ok: false, problem: 'too_many', wait }
  const verified = await verifyToken(login, token)
  // An outage of the upstream says nothing about the token.
  if (verified.ok || verified.problem !== 'refused') await undo()
  return verified
}

/** Tells of an attempt that led nowhere; what was pasted stays out of it. */
function tellRefusal(
  { engine, clientId }: InteractionContext,
  event: 'sign-in' | 'credential.connect',
  login: ApiTokenLogin,
  reason: NonNullable<ApiTokenView['problem']>,
  subject = 'unknown',
): void {
  const { events, issuer } = engine.parts
  if (reason === 'empty') return
  events.tell({
    event,
    outcome: reason === 'unavailable' ? 'failed' : 'denied',
    reason: `token_${reason}`,
    details: { provider: login.id },
    actor: { issuer, subject, clientId },
  })
}

/** Header of an answer that says how long to wait. */
export function retryAfter(wait: number | undefined): Record<string, string> {
  return wait === undefined ? {} : { 'retry-after': String(wait) }
}

/** Status of a page that shows a problem. */
export const PROBLEM_STATUS = { empty: 400, refused: 403, unavailable: 503, too_many: 429 } as const

/** Keeps the pasted token as the user's own upstream credential. */
export async function keepToken(
  { credentials, issuer, events, storage }: EngineParts,
  login: ApiTokenLogin,
  userId: string,
  clientId: string | undefined,
  token: string,
): Promise<void> {
  if (credentials === undefined) return
  const key = { provider: login.id, owner: ownerOf(issuer, userId) }
  await credentials.set(key, { kind: 'api-key', secret: token })
  // The user was suspended while the upstream was asked, which is the first step of being erased.
  if ((await storage.users.find(userId))?.status !== 'active') {
    await credentials.delete(key)
    return
  }
  await events.record({
    event: 'credential.connect',
    outcome: 'done',
    actor: { issuer, subject: userId, clientId },
    details: { provider: login.id },
  })
}

/** Signs somebody in by a token of the upstream. */
export async function signInByToken(
  context: InteractionContext,
  browser: string,
  login: ApiTokenLogin,
  form: URLSearchParams,
  network: string,
): Promise<Answer> {
  const { pages } = context.engine.parts
  const verified = await attemptToken(context.engine.parts, login, form, network)
  if (!verified.ok) {
    const { problem, wait } = verified
    tellRefusal(context, 'sign-in', login, problem)
    const page = renderSignIn(context, browser, problem)
    return pageAnswer(pages, PROBLEM_STATUS[problem], page, retryAfter(wait))
  }
  const { account, token } = verified
  const { subject, name, email } = account
  const identity = { provider: login.id, issuer: login.issuer, subject, name, email }
  return completeSignIn(context, browser, identity, (user) =>
    keepToken(context.engine.parts, login, user.userId, context.clientId, token),
  )
}

/** Connects an upstream account after sign-in. A second submit of the same form does no harm. */
export async function connectToken(
  context: AppInteraction,
  browser: string,
  userId: string,
  form: URLSearchParams,
  network: string,
): Promise<Answer> {
  const { pages, connect } = context.engine.parts
  if (connect === undefined) return redirectAnswer(`${context.path}/continue`)
  const verified = await attemptToken(context.engine.parts, connect.login, form, network)
  if (!verified.ok) {
    const { problem, wait } = verified
    tellRefusal(context, 'credential.connect', connect.login, problem, userId)
    const page = await renderConnect(context, browser, userId, problem)
    return pageAnswer(pages, PROBLEM_STATUS[problem], page, retryAfter(wait))
  }
  const { engine, clientId } = context
  await keepToken(engine.parts, connect.login, userId, clientId, verified.token)
  await saveResult(context, { connect: { done: true } })
  return redirectAnswer(`${context.path}/continue`)
}

/** Goes on without an upstream account, where the step may be left out. */
export async function skipConnect(context: InteractionContext): Promise<Answer> {
  if (context.engine.parts.connect?.optional === true) {
    await saveResult(context, { connect: { done: false } })
  }
  return redirectAnswer(`${context.path}/continue`)
}

/** The form of a login by token. */
export function apiTokenView(
  context: InteractionContext,
  browser: string,
  login: ApiTokenLogin,
  action: string,
  problem: ApiTokenView['problem'],
): ApiTokenView {
  const { label, helpUrl, hint } = login
  return { label, helpUrl, hint, problem, form: formView(context, browser, action) }
}
