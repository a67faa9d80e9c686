import { type PageContext, renderDocument } from './document.js'
import { type Html, html } from './html.js'
import { renderMark } from './icons.js'
import type { DoneView, LeavingView } from './pages.js'
import { isContinueUrl } from './refresh-header.js'

const TITLES = {
  connected: 'doneConnectedTitle',
  declined: 'doneDeclinedTitle',
  finished: 'doneTitle',
  goingOn: 'doneGoingOnTitle',
} as const

function renderContinueLink({ texts }: PageContext, url: string): Html | undefined {
  if (!isContinueUrl(url)) return undefined
  return html`<p><a href="${url}" rel="noreferrer">${texts.text('doneContinue')}</a></p>`
}

/**
 * Hands over to the client, or to the next step while nothing was decided yet.
 * `refreshHeader(continueUrl)` in the answer is what goes on by itself.
 */
export function renderDone(context: PageContext, view: DoneView): string {
  const { texts } = context
  const { client, continueUrl, outcome } = view
  const title = TITLES[outcome ?? (continueUrl === undefined ? 'finished' : 'goingOn')]
  const opensApp = outcome !== undefined && client.isPrivateScheme
  const lead = () => {
    if (continueUrl === undefined) return texts.text('doneLead')
    if (outcome === undefined) return texts.text('doneGoingOn')
    return opensApp
      ? texts.text('doneOpeningApp')
      : texts.text('doneContinuing', { host: client.redirectHost })
  }
  // An app opens beside this page, which stays; the URL works once, so a link to it would then fail.
  const link = continueUrl !== undefined && !opensApp && renderContinueLink(context, continueUrl)
  return renderDocument(context, {
    title: texts.plain(title, { client: client.name }),
    main: html`
      ${renderMark(outcome === 'connected' ? 'done' : 'plain')}
      <div class="head"><h1>${texts.text(title, { client: client.name })}</h1><p>${lead()}</p></div>
      ${link}
    `,
  })
}

/** Hands over to an upstream's sign-in, by the same header. */
export function renderLeaving(context: PageContext, view: LeavingView): string {
  const { texts } = context
  const { provider, continueUrl } = view
  return renderDocument(context, {
    title: texts.plain('leavingTitle', { provider }),
    main: html`
      ${renderMark('plain')}
      <div class="head"><h1>${texts.text('leavingTitle', { provider })}</h1><p>${texts.text('leavingLead')}</p></div>
      ${renderContinueLink(context, continueUrl)}
    `,
  })
}
