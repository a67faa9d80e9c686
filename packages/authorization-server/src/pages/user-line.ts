import type { PageContext } from './document.js'
import { type Html, html } from './html.js'
import { initialOf } from './icons.js'
import type { UserView } from './pages.js'

/** Writes who is signed in: name, address and where the identity comes from. */
export function renderUser({ texts }: PageContext, user: UserView, after?: Html): Html {
  const { name, email, provider } = user
  const shown = name ?? email ?? provider
  const second = [
    name !== undefined && email !== undefined && html`<bdi>${email}</bdi> `,
    shown !== provider && html`<span>${texts.text('consentVia', { provider })}</span>`,
  ]
  return html`
    <div class="person">
      <span class="avatar" aria-hidden="true">${initialOf(shown)}</span>
      <div><p><span class="hidden">${texts.text('consentUser')} </span><bdi>${shown}</bdi></p><p class="muted">${second}</p></div>
      ${after}
    </div>
  `
}
