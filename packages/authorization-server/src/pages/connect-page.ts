import { renderApiTokenForm } from './api-token-form.js'
import { renderClientFacts } from './client-facts.js'
import { type PageContext, renderDocument } from './document.js'
import { renderButtonForm } from './form.js'
import { html } from './html.js'
import type { ConnectView } from './pages.js'
import { renderUser } from './user-line.js'

/** Asks for the person's token of the upstream, after they have signed in. */
export function renderConnect(context: PageContext, view: ConnectView): string {
  const { texts, brand } = context
  const { client, user, apiToken, skip, cancel } = view
  const lead = texts.text('connectLead', { brand, label: apiToken.label, client: client.name })
  return renderDocument(context, {
    title: texts.plain('connectTitle'),
    hasProblem: apiToken.problem !== undefined,
    main: html`
      <div class="head"><h1>${texts.text('connectTitle')}</h1><p>${lead}</p></div>
      ${renderClientFacts(context, client)}
      ${renderUser(context, user)}
      ${renderApiTokenForm(context, apiToken, { id: 'api-token', submit: 'apiTokenConnect', isMain: true })}
      <div class="stack">
        ${skip && renderButtonForm(skip, texts.text('connectSkip'))}
        ${renderButtonForm(cancel, texts.text('cancelButton'), 'quiet')}
      </div>
    `,
  })
}
