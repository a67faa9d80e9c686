import { renderClientFacts, renderFact, renderTiles } from './client-facts.js'
import { type PageContext, renderDocument } from './document.js'
import { renderButtonForm } from './form.js'
import { type Html, html } from './html.js'
import type { ClientView, ConsentView, ScopeView } from './pages.js'
import { renderUser } from './user-line.js'

/** Writes scopes in words, each with its name below. */
export function renderScopes(scopes: readonly ScopeView[]): Html {
  const items = scopes.map(
    ({ scope, description }) => html`<li><bdi>${description}</bdi><code>${scope}</code></li>`,
  )
  // A list without markers is not read out as one by every browser unless it says so.
  return html`<ul class="scopes" role="list">${items}</ul>`
}

function renderWarning({ texts }: PageContext, client: ClientView): Html | undefined {
  if (client.isLoopback) {
    return html`
      <p class="note">
        <strong>${texts.text('consentLoopbackTitle')}</strong>
        ${texts.text('consentLoopback', { client: client.name })}
      </p>
    `
  }
  if (client.isPrivateScheme) {
    const values = { client: client.name, scheme: client.redirectHost }
    return html`
      <p class="note">
        <strong>${texts.text('consentPrivateSchemeTitle')}</strong>
        ${texts.text('consentPrivateScheme', values)}
      </p>
    `
  }
  return undefined
}

/** Asks the person who is signed in whether this client may do these things. */
export function renderConsent(context: PageContext, view: ConsentView): string {
  const { texts, brand } = context
  const { client, user, resource, scopes, approve, deny, switchUser } = view
  const names = { client: client.name, brand }
  const granted =
    scopes.length === 0
      ? html`<p>${texts.text('consentNoScopes')}</p>`
      : html`
          <h2 class="label" id="scopes">${texts.text('consentScopes')}</h2>
          ${renderScopes(scopes)}
        `
  const resourceFact = renderFact(
    texts.text('consentResourceLabel'),
    html`<bdi class="host">${resource}</bdi>`,
  )
  const switchForm =
    switchUser && renderButtonForm(switchUser, texts.text('consentSwitchUser'), 'small')

  return renderDocument(context, {
    title: texts.plain('consentTitle', names),
    main: html`
      ${renderTiles(context, client)}
      <div class="head"><h1>${texts.text('consentTitle', names)}</h1></div>
      ${renderUser(context, user, switchForm)}
      <div class="stack">${granted}</div>
      <div class="stack">
        ${renderClientFacts(context, client, resourceFact)}
        ${client.idHost === undefined && html`<p class="muted">${texts.text('consentUnverified')}</p>`}
      </div>
      ${renderWarning(context, client)}
      <div class="stack">
        <div class="pair">
          ${renderButtonForm(deny, texts.text('consentDeny'))}
          ${renderButtonForm(approve, texts.text('consentAllow'), 'main')}
        </div>
        <p class="muted">${texts.text('consentRevocable')}</p>
      </div>
    `,
  })
}
