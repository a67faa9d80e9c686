import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Interaction } from 'oidc-provider'
import { cookieNames, formatBrowserCookie, readCookie } from '../engine/cookies.js'
import type { BoundRecord } from '../engine/extend-records.js'
import type { EndpointRequest } from '../engine/http.js'
import type { EngineParts } from '../engine/parts.js'
import { FORM_FIELDS } from '../pages/form-fields.js'

const PURPOSE = 'form token'
const BROWSER_ID = /^[A-Za-z0-9_-]{43}$/

/** The browser that a request comes from, by a random cookie. */
export interface Browser {
  readonly id: string
  /** Set when the cookie has to be sent with the answer. */
  readonly setCookie: string | undefined
}

/** Reads the cookie of a browser, or makes one. */
export function identifyBrowser(parts: EngineParts, request: EndpointRequest): Browser {
  const known = readBrowser(parts, request)
  if (known !== undefined) return { id: known, setCookie: undefined }
  const id = randomBytes(32).toString('base64url')
  return { id, setCookie: formatBrowserCookie(parts.issuer, id) }
}

/** Reads the cookie of a browser; `undefined` when there is none or it is not one of ours. */
export function readBrowser(parts: EngineParts, request: EndpointRequest): string | undefined {
  const value = readCookie(request.headers.cookie, cookieNames(parts.issuer).browser)
  return value !== undefined && BROWSER_ID.test(value) ? value : undefined
}

/** Names a browser where its cookie must not stand. */
export function digestBrowser(browser: string): string {
  return createHash('sha256').update(browser).digest('base64url')
}

/**
 * Tells whether an interaction began in this browser. Its own cookie does not tell: it has a path, so
 * that another host of the same site can set it as well.
 */
export function isOfBrowser(
  parts: EngineParts,
  request: EndpointRequest,
  interaction: Interaction & BoundRecord,
): boolean {
  const browser = readBrowser(parts, request)
  if (browser === undefined || interaction.browser === undefined) return false
  return timingSafeEqual(Buffer.from(interaction.browser), Buffer.from(digestBrowser(browser)))
}

/**
 * Makes the token of one form: bound to its path, so to its interaction and action, to its browser, and
 * to what else is named.
 */
export function formToken(
  parts: EngineParts,
  browser: string,
  action: string,
  ...binding: readonly string[]
): string {
  return parts.secrets.sign(PURPOSE, browser, action, ...binding)
}

/** Tells whether a post comes from a form that we showed to the same browser, bound to the same. */
export function isOwnForm(
  parts: EngineParts,
  request: EndpointRequest,
  form: URLSearchParams,
  ...binding: readonly string[]
): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  // `null` is what a sandboxed frame sends, and a page that hides where it is.
  if (origin !== undefined && origin !== parts.issuer) return false
  if (site !== undefined && site !== 'same-origin') return false
  const browser = readBrowser(parts, request)
  const token = form.get(FORM_FIELDS.csrfToken)
  if (browser === undefined || token === null) return false
  return parts.secrets.verify(token, PURPOSE, browser, request.path, ...binding)
}
