import { isLoopback } from '../http/addresses.js'
import type { Exchange, ProbeRequest } from '../http/prober.js'
import type { AuthorizationOutcome } from './authorization-outcome.js'
import { type AuthorizationRequest, authorize, followAuthorization } from './authorize.js'
import type { Browser } from './browser.js'

const MAX_PAGES = 6
/** Forms of our authorization server on loopback, where its development login lets everybody in. */
const FORMS = ['/login/dev', '/consent']

interface Form {
  readonly action: string
  readonly fields: URLSearchParams
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
}

function decode(text: string): string {
  return text.replace(/&(?:quot|#39|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity)
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return value === undefined ? undefined : decode(value)
}

/** Pieces of a page between two marks. In steps and not by one pattern, whose time a page could stretch. */
function piecesOf(html: string, start: string, end: string): readonly string[] {
  const pieces: string[] = []
  let at = html.indexOf(start)
  while (at >= 0) {
    const last = html.indexOf(end, at)
    if (last < 0) break
    pieces.push(html.slice(at, last))
    at = html.indexOf(start, last)
  }
  return pieces
}

/** The form that leads on: its hidden fields, and at the sign-in the button of the first user. */
function readForm(html: string): Form | undefined {
  const forms = piecesOf(html, '<form', '</form>').map((body) => {
    const [tag = ''] = body.split('>', 1)
    return { action: attribute(tag, 'action') ?? '', body }
  })
  const found = FORMS.flatMap((end) => forms.filter(({ action }) => action.endsWith(end)))[0]
  if (found === undefined) return undefined
  const fields = new URLSearchParams()
  const inputs = piecesOf(found.body, '<input', '>').filter((tag) => tag.includes('type="hidden"'))
  const isSignIn = found.action.endsWith('/login/dev')
  const buttons = piecesOf(found.body, '<button', '>').slice(0, isSignIn ? 1 : 0)
  for (const tag of [...inputs, ...buttons]) {
    const name = attribute(tag, 'name')
    if (name !== undefined) fields.set(name, attribute(tag, 'value') ?? '')
  }
  return { action: found.action, fields }
}

/** The request of a form; `undefined` for one that is sent elsewhere. */
function formRequest(exchange: Exchange, form: Form): ProbeRequest | undefined {
  if (!URL.canParse(form.action, exchange.url.href)) return undefined
  const url = new URL(form.action, exchange.url.href)
  if (url.origin !== exchange.url.origin) return undefined
  return {
    method: 'POST',
    url: url.href,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: exchange.url.origin,
      'sec-fetch-site': 'same-origin',
    },
    body: form.fields.toString(),
    about: 'sign-in',
  }
}

/**
 * Sends an authorization request and answers the pages of the development login. Any other page needs a
 * person, and is the outcome.
 */
export async function signIn(
  browser: Browser,
  request: AuthorizationRequest,
): Promise<AuthorizationOutcome> {
  let outcome = await authorize(browser, request)
  for (let pages = 0; pages < MAX_PAGES && outcome.kind === 'page'; pages++) {
    const { exchange } = outcome
    // First of all: a page of somebody else is not even read.
    if (!isLoopback(exchange.url.hostname)) return outcome
    const form = readForm(exchange.answer?.text ?? '')
    const next = form === undefined ? undefined : formRequest(exchange, form)
    if (next === undefined) return outcome
    const answered = await followAuthorization(browser, await browser.request(next), request)
    // A form that looks like ours and wants more is one for a person.
    if (answered.kind === 'refused') return outcome
    outcome = answered
  }
  return outcome
}
