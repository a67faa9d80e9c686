import { type PageContext, renderDocument } from './document.js'
import { html } from './html.js'
import { renderMark } from './icons.js'
import type { ErrorView } from './pages.js'

const TEXTS = {
  bad_request: ['errorBadRequestTitle', 'errorBadRequest'],
  unknown_client: ['errorUnknownClientTitle', 'errorUnknownClient'],
  bad_redirect_uri: ['errorBadRedirectUriTitle', 'errorBadRedirectUri'],
  expired: ['errorExpiredTitle', 'errorExpired'],
  forbidden: ['errorForbiddenTitle', 'errorForbidden'],
  too_many: ['errorTooManyTitle', 'errorTooMany'],
  unavailable: ['errorUnavailableTitle', 'errorUnavailable'],
  server_error: ['errorServerErrorTitle', 'errorServerError'],
} as const

/** Says what went wrong in words of ours, and the number by which the log names it. */
export function renderError(context: PageContext, view: ErrorView): string {
  const { texts } = context
  const { reason, requestId, retryAfterSeconds } = view
  const [title, lead] = TEXTS[reason]
  const isPassing = reason === 'too_many' || reason === 'unavailable'
  const retry =
    retryAfterSeconds === undefined
      ? isPassing && texts.text('errorRetryLater')
      : texts.text('errorRetryAfter', { time: texts.duration(retryAfterSeconds) })
  return renderDocument(context, {
    title: texts.plain(title),
    main: html`
      ${renderMark('refused')}
      <div class="head"><h1>${texts.text(title)}</h1><p>${texts.text(lead)} ${retry}</p></div>
      <p class="muted">${texts.text('errorRequestId')} <code class="block">${requestId}</code></p>
    `,
  })
}
