import { ownerOf } from '../engine/credential-owner.js'
import { type Answer, pageAnswer, redirectAnswer } from '../engine/http.js'
import type { ApiTokenAccount, ApiTokenLogin } from '../login/login-provider.js'
import { FORM_FIELDS } from '../pages/form-fields.js'
import type { ApiTokenView } from '../pages/pages.js'
import { formView, type InteractionContext, saveResult } from './interaction-context.js'
import { renderConnect, renderSignIn } from './pages-of-interaction.js'
import { completeSignIn } from './sign-in.js'

const VERIFY_MILLISECONDS = 10_000

type Verified =
  | { readonly ok: true; readonly token: string; readonly account: ApiTokenAccount }
  | { readonly ok: false; readonly problem: NonNullable<ApiTokenView['problem']> }

async function verifyToken(login: ApiTokenLogin, form: URLSearchParams): Promise<Verified> {
  const token = (form.get(FORM_FIELDS.apiToken) ?? '').trim()
  if (token === '') return { ok: false, problem: 'empty' }
  try {
    const signal = AbortSignal.timeout(VERIFY_MILLISECONDS)
    const account = await login.verify(token, { signal })
    return account === undefined ? { ok: false, problem: 'refused' } : { ok: true, token, account }
  } catch {
    // The upstream could not be asked; its error may quote the token.
    return { ok: false, problem: 'unavailable' }
  }
}

const STATUS = { empty: 400, refused: 403, unavailable: 503, too_many: 429 } as const

/** Keeps the pasted token as the user's own upstream credential. */
async function keepToken(
  context: InteractionContext,
  login: ApiTokenLogin,
  userId: string,
  token: string,
): Promise<void> {
  const { credentials, issuer, events } = context.engine.parts
  if (credentials === undefined) return
  const key = { provider: login.id, owner: ownerOf(issuer, userId) }
  await credentials.set(key, { kind: 'api-key', secret: token })
  await events.record({
    event: 'credential.connect',
    outcome: 'done',
    actor: { issuer, subject: userId, clientId: context.clientId },
    details: { provider: login.id },
  })
}

/** Signs somebody in by a token of the upstream. */
export async function signInByToken(
  context: InteractionContext,
  browser: string,
  login: ApiTokenLogin,
  form: URLSearchParams,
): Promise<Answer> {
  const { pages } = context.engine.parts
  const verified = await verifyToken(login, form)
  if (!verified.ok) {
    const { problem } = verified
    return pageAnswer(pages, STATUS[problem], renderSignIn(context, browser, problem))
  }
  const { account, token } = verified
  const { subject, name, email } = account
  const identity = { provider: login.id, issuer: login.issuer, subject, name, email }
  return completeSignIn(context, browser, identity, (user) =>
    keepToken(context, login, user.userId, token),
  )
}

/** Connects an upstream account after sign-in. A second submit of the same form does no harm. */
export async function connectToken(
  context: InteractionContext,
  browser: string,
  userId: string,
  form: URLSearchParams,
): Promise<Answer> {
  const { pages, connect } = context.engine.parts
  if (connect === undefined) return redirectAnswer(`${context.path}/continue`)
  const verified = await verifyToken(connect.login, form)
  if (!verified.ok) {
    const { problem } = verified
    const page = await renderConnect(context, browser, userId, problem)
    return pageAnswer(pages, STATUS[problem], page)
  }
  await keepToken(context, connect.login, userId, verified.token)
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
