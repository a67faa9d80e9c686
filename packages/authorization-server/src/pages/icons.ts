import { type Html, html } from './html.js'

/** Sign at the top of a page that says how something ended. */
export type Mark = 'done' | 'refused' | 'plain'

const SHAPES: Readonly<Record<Mark, Html>> = {
  done: html`<path d="M5 12.5l4.5 4.5L19 7.5"/>`,
  refused: html`<path d="M12 7v6M12 16.5v.5"/><circle cx="12" cy="12" r="9"/>`,
  plain: html`<path d="M5 12h14M13 6l6 6-6 6"/>`,
}
const LOOKS: Readonly<Record<Mark, string>> = { done: '', refused: ' bad', plain: ' plain' }

/** Writes a sign. It is decoration: the heading beside it says the same. */
export function renderMark(mark: Mark): Html {
  return html`
    <div class="mark${LOOKS[mark]}" aria-hidden="true">
      <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${SHAPES[mark]}</svg>
    </div>
  `
}

/** First letter of a name, for a tile or an avatar. */
export function initialOf(name: string): string {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  for (const { segment } of segmenter.segment(name.slice(0, 200))) {
    if (/[\p{L}\p{N}]/u.test(segment)) return segment.toUpperCase()
  }
  return '?'
}
