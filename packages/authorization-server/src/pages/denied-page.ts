import { type PageContext, renderDocument } from './document.js'
import { renderButtonForm } from './form.js'
import { html } from './html.js'
import { renderMark } from './icons.js'
import type { DeniedView } from './pages.js'
import { renderUser } from './user-line.js'

const TITLES = {
  not_admitted: 'deniedNotAdmittedTitle',
  suspended: 'deniedSuspendedTitle',
  cancelled: 'deniedCancelledTitle',
  upstream_denied: 'deniedUpstreamTitle',
  not_direct: 'deniedNotDirectTitle',
} as const

/** Says why somebody does not come in, and leads back to the client. */
export function renderDenied(context: PageContext, { user, reason, back }: DeniedView): string {
  const { texts, brand } = context
  const lead = {
    not_admitted: () => texts.text('deniedNotAdmitted', { brand }),
    suspended: () => texts.text('deniedSuspended', { brand }),
    cancelled: () => texts.text('deniedCancelled'),
    upstream_denied: () => texts.text('deniedUpstream'),
    not_direct: () => texts.text('deniedNotDirect', { brand }),
  }[reason]()
  return renderDocument(context, {
    title: texts.plain(TITLES[reason]),
    main: html`
      ${renderMark(reason === 'cancelled' ? 'plain' : 'refused')}
      <div class="head"><h1>${texts.text(TITLES[reason])}</h1><p>${lead}</p></div>
      ${user && renderUser(context, user)}
      ${back && renderButtonForm(back, texts.text('deniedBack'), 'main')}
    `,
  })
}
