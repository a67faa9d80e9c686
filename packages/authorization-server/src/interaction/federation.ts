import { createHash, timingSafeEqual } from 'node:crypto'
import { findLogin } from '../engine/accounts.js'
import type { Engine } from '../engine/engine.js'
import { type Answer, type EndpointRequest, errorPage, redirectAnswer } from '../engine/http.js'
import { PATHS } from '../engine/paths.js'
import type { RedirectLogin, RedirectState } from '../login/login-provider.js'
import { readBrowser } from './csrf.js'
import { type InteractionContext, openInteraction } from './interaction-context.js'
import { completeSignIn, denyAnswer } from './sign-in.js'

const FEDERATION = 'Federation'
const PENDING = 'FederationPending'
/** Time for a sign-in at an upstream, in seconds. */
const FEDERATION_SECONDS = 600
const MAX_STATE = 512

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/**
 * Starts a sign-in at an upstream. What its answer is compared with is kept here, once and for this
 * browser only; the browser goes there from a page, since it may not go there from a form.
 */
export async function startFederation(
  context: InteractionContext,
  browser: string,
  login: RedirectLogin,
): Promise<Answer> {
  const { issuer, storage, pages } = context.engine.parts
  const started = await login.start(`${issuer}${PATHS.callback}`).catch(() => undefined)
  if (started === undefined) return errorPage(pages, 503, 'unavailable')
  const { url, state } = started
  const uid = context.interaction.uid
  await storage.transaction(async () => {
    const record = { interactionUid: uid, browser: digest(browser), kept: state }
    await storage.records(FEDERATION).upsert(state.state, record, FEDERATION_SECONDS)
    const pending = { url: url.href, provider: login.label }
    await storage.records(PENDING).upsert(uid, pending, FEDERATION_SECONDS)
  })
  return redirectAnswer(`${context.path}/leave`)
}

/** The upstream that a browser is about to be sent to; works once. */
export async function takePendingFederation(
  context: InteractionContext,
): Promise<{ readonly url: string; readonly provider: string } | undefined> {
  const records = context.engine.parts.storage.records(PENDING)
  const record = await records.find(context.interaction.uid)
  await records.destroy(context.interaction.uid)
  const { url, provider } = record ?? {}
  return typeof url === 'string' && typeof provider === 'string' ? { url, provider } : undefined
}

interface Callback {
  readonly context: InteractionContext
  readonly login: RedirectLogin
  readonly state: RedirectState
}

/** Finds what an answer belongs to, and uses it up. `undefined` for everything that is not expected. */
async function openCallback(
  engine: Engine,
  request: EndpointRequest,
  browser: string,
): Promise<Callback | undefined> {
  const { storage, logins } = engine.parts
  const states = new URLSearchParams(request.query).getAll('state')
  const [value = ''] = states
  if (states.length !== 1 || value === '' || value.length > MAX_STATE) return undefined
  const record = await storage.records(FEDERATION).find(value)
  const { interactionUid: uid, browser: bound, kept } = record ?? {}
  if (record?.consumed !== undefined || typeof uid !== 'string' || typeof bound !== 'string') {
    return undefined
  }
  // Whoever was sent the address of the upstream by somebody else ends here.
  if (!timingSafeEqual(Buffer.from(bound), Buffer.from(digest(browser)))) return undefined
  // In no transaction: the client may be a document elsewhere.
  const context = await openInteraction(engine, uid)
  const redirectState = kept as RedirectState
  const login = findLogin(logins, redirectState.provider)
  if (context === undefined || login?.kind !== 'redirect') return undefined
  await storage.records(FEDERATION).consume(value)
  return { context, login, state: redirectState }
}

/** Answers the redirect back from an upstream. */
export async function answerCallback(engine: Engine, request: EndpointRequest): Promise<Answer> {
  const { pages, issuer, events } = engine.parts
  const browser = readBrowser(engine.parts, request)
  const callback =
    browser === undefined
      ? undefined
      : await openCallback(engine, request, browser).catch((error: unknown) => {
          if (error instanceof Error && error.name === 'AlreadyConsumedError') return undefined
          throw error
        })
  if (callback === undefined || browser === undefined) return errorPage(pages, 403, 'forbidden')

  const { context, login, state } = callback
  const url = new URL(`${issuer}${PATHS.callback}?${request.query}`)
  const result = await login.finish(url, state)
  if (result.kind === 'identity') return completeSignIn(context, browser, result.identity)
  await events.record({
    event: 'sign-in',
    outcome: result.kind === 'denied' ? 'denied' : 'failed',
    reason: result.reason,
    details: { provider: login.id },
  })
  if (result.kind === 'denied') return denyAnswer(context, browser, 'upstream_denied')
  if (result.kind === 'unavailable') return errorPage(pages, 503, 'unavailable')
  return errorPage(pages, 400, 'bad_request')
}
