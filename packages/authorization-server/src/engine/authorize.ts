import { digestBrowser, identifyBrowser, isOfBrowser } from '../interaction/csrf.js'
import { isOfApp, openInteraction } from '../interaction/interaction-context.js'
import { cookieNames, readCookie } from './cookies.js'
import type { Engine } from './engine.js'
import type { EngineResponse } from './engine-call.js'
import { createEngineScope } from './engine-scope.js'
import { type Answer, type EndpointRequest, engineAnswer, errorPage, NO_STORE } from './http.js'
import { PATHS } from './paths.js'
import { canonicalResource } from './resources.js'

/** The engine refuses these without the scope `openid`; some clients send them regardless. */
const OPENID_ONLY = ['nonce', 'max_age', 'acr_values', 'claims_locales', 'id_token_hint']

/**
 * Brings a request into the form that the engine takes: blanks of `scope` collapsed, `resource` spelt
 * as configured. A parameter that comes twice is left alone, so that it is refused.
 */
export function normalizeAuthorizationQuery(engine: Engine, query: string): string {
  const parameters = new URLSearchParams(query)
  const isSingle = (name: string): boolean => parameters.getAll(name).length === 1

  if (isSingle('scope')) {
    const scope = (parameters.get('scope') ?? '').replace(/ +/g, ' ').replace(/^ | $/g, '')
    if (scope === '') parameters.delete('scope')
    else parameters.set('scope', scope)
  }
  const scopes = (parameters.get('scope') ?? '').split(' ')
  if (!scopes.includes('openid')) for (const name of OPENID_ONLY) parameters.delete(name)

  const given = parameters.getAll('resource')
  const resources = new Set(given.map((text) => canonicalResource(text) ?? text))
  if (given.length > 0 && resources.size === 1) {
    const [first = ''] = given
    parameters.set('resource', engine.parts.resources.find(first)?.resource ?? first)
  }
  return parameters.toString()
}

function isHtml(response: EngineResponse): boolean {
  return String(response.headers['content-type'] ?? '').startsWith('text/html')
}

function withPageHeaders(engine: Engine, response: EngineResponse): Answer {
  const answer = engineAnswer(response, NO_STORE)
  if (!isHtml(response)) return answer
  return { ...answer, headers: { ...answer.headers, ...engine.parts.pages.headers } }
}

/** Asks the engine on behalf of one browser, to which the interactions that begin now are bound. */
async function authorizeBrowser(
  engine: Engine,
  request: EndpointRequest,
  query: string,
): Promise<Answer> {
  const browser = identifyBrowser(engine.parts, request)
  const scope = createEngineScope({ browser: digestBrowser(browser.id) })
  const answer = withPageHeaders(engine, await engine.call({ request, query }, scope))
  const { location, 'set-cookie': cookies = [] } = answer.headers
  // Meanwhile the session got another id, or ended; neither may be undone by the cookie of this one.
  const ended = `${cookieNames(engine.parts.issuer).session}=`
  const kept = [cookies].flat().filter((line) => !scope.hasSessionEnded || !line.startsWith(ended))
  const isBegun = typeof location === 'string' && location.startsWith(PATHS.interaction)
  const own = isBegun && browser.setCookie !== undefined ? [browser.setCookie] : []
  return { ...answer, headers: { ...answer.headers, 'set-cookie': [...kept, ...own] } }
}

/** Answers `/oauth/authorize` and the way back to it after each interaction. */
export async function answerAuthorize(engine: Engine, request: EndpointRequest): Promise<Answer> {
  const { parts } = engine
  const { pages } = parts
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return errorPage(pages, 405, 'bad_request')
  }
  const uid = request.path.slice(PATHS.authorize.length + 1)
  if (uid !== '') {
    const known = await engine.provider.Interaction.find(uid)
    const cookie = readCookie(request.headers.cookie, cookieNames(parts.issuer).resume)
    if (cookie !== uid || (known !== undefined && !isOfBrowser(parts, request, known))) {
      return errorPage(pages, 400, 'expired')
    }
    // The engine does not look at the redirect URI again after the first request.
    const context = known && (await openInteraction(engine, uid))
    if (known !== undefined && (context === undefined || !isOfApp(context))) {
      return errorPage(pages, 400, 'unknown_client')
    }
    return authorizeBrowser(engine, request, '')
  }
  const query = normalizeAuthorizationQuery(engine, request.query)
  const responseMode = new URLSearchParams(query).get('response_mode')
  if (responseMode !== null && responseMode !== 'query' && responseMode !== 'fragment') {
    // Others need a script on a page of ours.
    return errorPage(pages, 400, 'bad_request')
  }
  return authorizeBrowser(engine, request, query)
}
