import type { PageContext } from './document.js'
import { type Html, html } from './html.js'
import { initialOf } from './icons.js'
import type { ClientView } from './pages.js'

/** Writes one line of a list of facts. */
export function renderFact(label: Html, value: Html): Html {
  return html`<div><dt>${label}</dt><dd>${value}</dd></div>`
}

/**
 * Writes what is known of a client: its name, the host that vouches for it, and where the answer goes,
 * always in full, since names can be made to look like others and hosts cannot.
 */
export function renderClientFacts(
  { texts }: PageContext,
  client: ClientView,
  furtherFacts?: Html,
): Html {
  const { name, idHost, redirectHost, isLoopback, isPrivateScheme } = client
  const kind = isLoopback
    ? texts.text('redirectLoopback')
    : isPrivateScheme && texts.text('redirectPrivateScheme')
  return html`
    <dl class="facts">
      ${renderFact(texts.text('clientLabel'), html`<bdi class="name">${name}</bdi>`)}
      ${
        idHost !== undefined &&
        renderFact(texts.text('clientHostLabel'), html`<bdi class="host">${idHost}</bdi>`)
      }
      ${renderFact(
        texts.text('redirectLabel'),
        html`<bdi class="host">${redirectHost}</bdi>${kind && html` <span class="muted">${kind}</span>`}`,
      )}
      ${furtherFacts}
    </dl>
  `
}

/** Writes the two tiles of client and service. They are decoration. */
export function renderTiles({ brand, logo }: PageContext, client: ClientView): Html {
  return html`
    <div class="link" aria-hidden="true">
      <span class="tile">${initialOf(client.name)}</span>
      <span class="dots"></span>
      <span class="tile">${logo ?? initialOf(brand)}</span>
    </div>
  `
}
