import { type Html, html, trustedHtml } from './html.js'
import type { TextRenderer } from './text-renderer.js'

/** What every page is made with. */
export interface PageContext {
  readonly brand: string
  readonly logo: Html | undefined
  readonly supportUrl: string | undefined
  readonly css: string
  readonly texts: TextRenderer
}

/** The parts of one page. */
export interface PageParts {
  /** Plain text, for the window. */
  readonly title: string
  /** The page shows a problem with what was entered. */
  readonly hasProblem?: boolean | undefined
  readonly main: Html
  /** A page of sections in place of one card. */
  readonly isWide?: boolean | undefined
  /** Beside the name of the service. */
  readonly top?: Html | undefined
}

/** Writes a whole document: no script, one style sheet, nothing to load. */
export function renderDocument(context: PageContext, parts: PageParts): string {
  const { brand, logo, supportUrl, css, texts } = context
  const title = parts.hasProblem ? texts.plain('problemTitle', { title: parts.title }) : parts.title
  // An empty icon keeps browsers from asking for /favicon.ico.
  const head = html`
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="robots" content="noindex">
    <title>${title} · ${brand}</title>
    <link rel="icon" href="data:,">
    <style>${trustedHtml(css)}</style>
  `
  const main = parts.isWide
    ? html`<main>${parts.main}</main>`
    : html`<main class="card">${parts.main}</main>`
  const support =
    supportUrl !== undefined &&
    html`
      <footer class="foot muted">
        <a href="${supportUrl}" rel="noreferrer">${texts.text('support')}</a>
      </footer>
    `
  const document = html`
    <html lang="${texts.language}" dir="${texts.direction}">
      <head>${head}</head>
      <body class="${parts.isWide ? 'wide' : 'narrow'}">
        <header class="top"><span>${logo}<span>${brand}</span></span>${parts.top}</header>
        ${main}
        ${support}
      </body>
    </html>
  `
  return `<!doctype html>${document.toString().trim()}\n`
}
