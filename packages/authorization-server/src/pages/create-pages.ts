import { renderAccount } from './account-page.js'
import { renderConnect } from './connect-page.js'
import { renderConsent } from './consent-page.js'
import { renderDenied } from './denied-page.js'
import type { PageContext } from './document.js'
import { renderDone, renderLeaving } from './done-page.js'
import { renderError } from './error-page.js'
import { type PagesOptions, parsePagesOptions } from './options.js'
import type { Pages } from './pages.js'
import { renderSignIn } from './sign-in-page.js'
import { buildStyleSheet } from './style-sheet.js'
import { createTextRenderer } from './text-renderer.js'

function buildHeaders(styleSource: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `style-src ${styleSource}`,
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return Object.freeze({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'x-frame-options': 'DENY',
    // `no-referrer` would make Chromium send `Origin: null` with the forms of these pages.
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
}

/**
 * Creates the pages of the authorization server: whole HTML documents without any script, with one
 * style sheet in them and nothing to load. Everything in a view is text and is escaped.
 *
 * @throws {@link ConfigurationError} for a logo with anything but shapes, a colour that cannot be read
 * in one of the schemes, and a text or placeholder that does not exist.
 */
export function createPages(options: PagesOptions): Pages {
  const { name, logo, supportUrl, palettes, texts } = parsePagesOptions(options)
  const { css, source } = buildStyleSheet(palettes)
  const context: PageContext = {
    brand: name,
    logo,
    supportUrl,
    css,
    texts: createTextRenderer(texts),
  }
  return {
    signIn: (view) => renderSignIn(context, view),
    connect: (view) => renderConnect(context, view),
    consent: (view) => renderConsent(context, view),
    denied: (view) => renderDenied(context, view),
    error: (view) => renderError(context, view),
    done: (view) => renderDone(context, view),
    leaving: (view) => renderLeaving(context, view),
    account: (view) => renderAccount(context, view),
    headers: buildHeaders(source),
  }
}
