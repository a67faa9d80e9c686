import { renderApiTokenForm } from './api-token-form.js'
import { renderClientFacts } from './client-facts.js'
import { type PageContext, renderDocument } from './document.js'
import { renderButtonForm, renderForm } from './form.js'
import { FORM_FIELDS } from './form-fields.js'
import { Html, html } from './html.js'
import type { SignInView } from './pages.js'

function renderDevLogin({ texts }: PageContext, dev: NonNullable<SignInView['dev']>): Html {
  const buttons = dev.users.map(
    ({ subject, name, email }) => html`
      <button type="submit" name="${FORM_FIELDS.devSubject}" value="${subject}">
        <span>${texts.text('signInDevButton', { name })} <bdi class="muted">${email}</bdi></span>
      </button>
    `,
  )
  return html`
    <section class="stack" aria-labelledby="dev">
      <h2 id="dev">${texts.text('signInDevTitle')}</h2>
      <p class="muted">${texts.text('signInDevHint')}</p>
      ${renderForm(dev.form, html`<div class="stack">${buttons}</div>`)}
    </section>
  `
}

/** Names the client and its redirect host, or the account page, before anybody is sent anywhere, and offers every way in. */
export function renderSignIn(context: PageContext, view: SignInView): string {
  const { texts, brand } = context
  const { client, redirects, apiToken, dev, cancel } = view
  const redirectLook = redirects.length === 1 && apiToken === undefined ? 'main' : 'plain'
  const buttons = redirects.map(({ label, form }) =>
    renderButtonForm(form, texts.text('signInWith', { provider: label }), redirectLook),
  )
  const ways = [
    buttons.length > 0 && html`<div class="stack">${buttons}</div>`,
    apiToken &&
      renderApiTokenForm(context, apiToken, {
        id: 'api-token',
        submit: 'apiTokenSignIn',
        isMain: true,
      }),
    dev && renderDevLogin(context, dev),
  ].filter((way): way is Html => way instanceof Html)
  const or = html`<p class="or">${texts.text('signInOr')}</p>`

  return renderDocument(context, {
    title: texts.plain('signInTitle', { brand }),
    hasProblem: apiToken?.problem !== undefined,
    main: html`
      <div class="head">
        <h1>${texts.text('signInTitle', { brand })}</h1>
        <p>${client === undefined ? texts.text('signInAccountLead') : texts.text('signInLead', { client: client.name })}</p>
      </div>
      ${client && renderClientFacts(context, client)}
      ${ways.map((way, index) => (index === 0 ? way : [or, way]))}
      ${cancel && renderButtonForm(cancel, texts.text('cancelButton'), 'quiet')}
    `,
  })
}
