import { renderAdmin } from './admin-sections.js'
import { renderApiTokenForm } from './api-token-form.js'
import { renderScopes } from './consent-page.js'
import { type PageContext, renderDocument } from './document.js'
import { renderButtonForm } from './form.js'
import { type Html, html } from './html.js'
import type { AccountView } from './pages.js'
import { renderUser } from './user-line.js'

const NOTICES = {
  revoked: 'noticeRevoked',
  replaced: 'noticeReplaced',
  removed: 'noticeRemoved',
} as const

function renderApp({ texts }: PageContext, app: AccountView['apps'][number]): Html {
  const { name, host, scopes, grantedAt, lastUsedAt, revoke } = app
  const label = html`${texts.text('accountRevoke')}<span class="hidden"> <bdi>${name}</bdi></span>`
  return html`
    <li>
      <div class="row">
        <div><h3><bdi>${name}</bdi></h3><bdi class="host muted">${host}</bdi></div>
        ${renderButtonForm(revoke, label, 'small danger')}
      </div>
      ${scopes.length > 0 && renderScopes(scopes)}
      <dl class="meta">
        <div><dt>${texts.text('accountGranted')}</dt><dd>${texts.time(grantedAt)}</dd></div>
        <div><dt>${texts.text('accountLastUsed')}</dt><dd>${texts.time(lastUsedAt)}</dd></div>
      </dl>
    </li>
  `
}

function renderCredential(
  context: PageContext,
  credential: AccountView['credentials'][number],
  index: number,
): Html {
  const { texts } = context
  const { label, replace, stored } = credential
  const named = (text: Html) => html`${text}<span class="hidden"> <bdi>${label}</bdi></span>`
  const id = `token-${index}`
  if (stored === undefined) {
    const place = { id, submit: 'apiTokenConnect', isMain: true } as const
    return html`
      <li>
        <p class="muted">${texts.text('accountNotConnected')}</p>
        <div class="narrower">${renderApiTokenForm(context, replace, place)}</div>
      </li>
    `
  }
  const { updatedAt, remove } = stored
  const place = { id, submit: 'apiTokenReplace', isMain: true } as const
  return html`
    <li>
      <h3><bdi>${label}</bdi></h3>
      <dl class="meta">
        <div><dt>${texts.text('accountUpdated')}</dt><dd>${texts.time(updatedAt)}</dd></div>
      </dl>
      <details${replace.problem !== undefined && html` open`}>
        <summary>${named(texts.text('accountReplace'))}</summary>
        <div class="narrower">${renderApiTokenForm(context, replace, place)}</div>
      </details>
      <details>
        <summary>${named(texts.text('accountRemove'))}</summary>
        <div class="remove">
          <p class="muted">${texts.text('accountRemoveLead')}</p>
          ${renderButtonForm(remove, named(texts.text('accountRemoveConfirm')), 'small danger')}
        </div>
      </details>
    </li>
  `
}

/** Shows a person what they connected and stored, and lets them take it back. */
export function renderAccount(context: PageContext, view: AccountView): string {
  const { texts, brand } = context
  const { user, isAdmin, apps, credentials, signOut, notice, admin } = view
  const list = (items: readonly Html[], none: Html) =>
    items.length === 0
      ? html`<p class="muted">${none}</p>`
      : html`<ul class="items" role="list">${items}</ul>`

  return renderDocument(context, {
    title: texts.plain('accountTitle'),
    hasProblem: credentials.some(({ replace }) => replace.problem !== undefined),
    isWide: true,
    top: renderButtonForm(signOut, texts.text('accountSignOut'), 'small'),
    main: html`
      ${notice && html`<p class="note good" role="status">${texts.text(NOTICES[notice])}</p>`}
      <section class="card">
        <h1>${texts.text('accountTitle')}</h1>
        ${renderUser(context, user)}
      </section>
      <section class="card" aria-labelledby="apps">
        <div class="head"><h2 id="apps">${texts.text('accountApps')}</h2><p>${texts.text('accountAppsLead', { brand })}</p></div>
        ${list(
          apps.map((app) => renderApp(context, app)),
          texts.text('accountNoApps'),
        )}
      </section>
      <section class="card" aria-labelledby="credentials">
        <div class="head"><h2 id="credentials">${texts.text('accountCredentials')}</h2><p>${texts.text('accountCredentialsLead')}</p></div>
        ${list(
          credentials.map((credential, index) => renderCredential(context, credential, index)),
          texts.text('accountNoCredentials'),
        )}
      </section>
      ${isAdmin && admin !== undefined && renderAdmin(context, admin)}
    `,
  })
}
