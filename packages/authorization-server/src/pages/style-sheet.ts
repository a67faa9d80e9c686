import { createHash } from 'node:crypto'
import type { Palette, Palettes } from './palette.js'

/** The one style sheet, and the source expression that lets it in. */
export interface StyleSheet {
  readonly css: string
  /** For `style-src`, for example `'sha256-…'`. */
  readonly source: string
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function variables(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, color]) => `--${kebab(name)}:${color};`)
    .join('')
}

const BASE = `
*,*::before,*::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: clamp(1.5rem, 7vh, 5rem) 1rem 2rem;
  display: flex; flex-direction: column; align-items: center; gap: 1.25rem;
  background: var(--page); color: var(--text);
  font: 1rem/1.5 Inter, -apple-system, "Segoe UI", Roboto, system-ui, sans-serif;
}
h1, h2, h3, h4, p, ul, dl, dd, figure { margin: 0; }
h1 { font-size: 1.4rem; line-height: 1.25; font-weight: 650; letter-spacing: -.012em; text-wrap: balance; }
h2 { font-size: 1.1rem; line-height: 1.35; font-weight: 650; }
h3, h4 { font-size: 1rem; line-height: 1.4; font-weight: 600; }
h1, h2, h3, h4, p, dd, td, li, .label, button { overflow-wrap: anywhere; }
p { text-wrap: pretty; }
ul { padding: 0; list-style: none; }
a { color: inherit; text-decoration-thickness: .06em; text-underline-offset: .2em; }
a:hover { text-decoration-thickness: .12em; }
code, .host { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; overflow-wrap: anywhere; }
:focus-visible { outline: .1875rem solid var(--text); outline-offset: .1875rem; border-radius: .5rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.muted { color: var(--muted); font-size: .875rem; }
.top { display: flex; align-items: center; justify-content: center; gap: .75rem; font-weight: 600; }
.top > span { display: flex; align-items: center; gap: .625rem; min-width: 0; overflow-wrap: anywhere; }
.top, .card, .foot { width: 100%; max-width: 27.5rem; }
.logo { display: block; height: 1.75rem; width: auto; max-width: 9rem; }
.card {
  display: flex; flex-direction: column; gap: 1.25rem; padding: 2rem;
  background: var(--surface); border: 1px solid var(--line); border-radius: 1rem;
  box-shadow: 0 1px 2px rgb(0 0 0 / .04), 0 .5rem 1.5rem rgb(0 0 0 / .05);
}
.foot { text-align: center; }
.head { display: flex; flex-direction: column; gap: .5rem; }
.head p { color: var(--muted); }
.head bdi { color: var(--text); }
.stack { display: flex; flex-direction: column; gap: .625rem; }
.foot a { display: inline-block; padding: .375rem .5rem; }
`

const CONTROLS = `
button {
  display: block; width: 100%; text-align: center;
  min-height: 2.75rem; padding: .5rem 1rem; border: 1px solid var(--control); border-radius: .625rem;
  background: var(--surface); color: var(--text); font: inherit; font-weight: 600; cursor: pointer;
}
button:hover { background: var(--soft); border-color: var(--text); }
button.main { background: var(--accent); border-color: var(--accent); color: var(--accent-text); }
button.main:hover { border-color: var(--text); box-shadow: 0 0 0 1px var(--text); }
button.quiet { border-color: transparent; background: none; color: var(--muted); font-weight: 500; }
button.quiet:hover { color: var(--text); text-decoration: underline; }
button.small { width: auto; min-height: 2.25rem; padding: .25rem .75rem; font-size: .875rem; }
.card > form:last-child > .quiet, .card > .stack:last-child .quiet { margin-block-end: -.75rem; }
button.danger { color: var(--danger); }
@media (prefers-reduced-motion: no-preference) { button { transition: background-color .12s, border-color .12s; } }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.field { display: flex; flex-direction: column; gap: .375rem; }
.label { font-weight: 600; }
input {
  width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--control);
  border-radius: .625rem; background: var(--surface); color: var(--text); font: inherit;
}
input[aria-invalid] { border: 2px solid var(--danger); }
.problem { color: var(--danger); font-size: .875rem; font-weight: 500; }
.or { display: flex; align-items: center; gap: .75rem; color: var(--muted); font-size: .875rem; }
.or::before, .or::after { content: ""; flex: 1; height: 1px; background: var(--line); }
details > summary { cursor: pointer; padding: .375rem 0; font-weight: 500; font-size: .875rem; }
details[open] > summary { margin-block-end: .5rem; }
`

const PARTS = `
.facts { display: grid; gap: .625rem; padding: .875rem 1rem; background: var(--soft); border: 1px solid var(--line); border-radius: .75rem; }
.facts > div { display: grid; grid-template-columns: 5.5rem 1fr; gap: .5rem; align-items: baseline; }
.facts dt { color: var(--muted); font-size: .875rem; }
.facts dd { min-width: 0; font-size: .9375rem; }
.facts .host { font-size: .8125rem; }
.facts dd .muted { display: block; }
.facts .name { font-weight: 600; }
.person { display: flex; align-items: center; gap: .75rem; }
.person > div { flex: 1; min-width: 0; }
.person p { line-height: 1.35; }
.person p > span:not(.hidden) { display: inline-block; }
.avatar {
  flex: none; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%;
  border: 1px solid var(--line); background: var(--soft); color: var(--text); font-weight: 600;
}
.link { display: flex; align-items: center; gap: .75rem; }
.link .tile {
  flex: none; display: grid; place-items: center; width: 3rem; height: 3rem; overflow: hidden; border-radius: .75rem;
  border: 1px solid var(--line); background: var(--soft); font-size: 1.25rem; font-weight: 650;
}
.link .tile .logo { height: 1.75rem; max-width: 2.5rem; }
.link .dots { width: 2rem; border-block-start: .1875rem dotted var(--control); }
.scopes { display: grid; gap: .625rem; }
.scopes li { position: relative; padding-inline-start: 1.75rem; }
.scopes li::before {
  content: ""; position: absolute; inset-inline-start: .375rem; inset-block-start: .35em; width: .375rem; height: .6875rem;
  border: solid var(--good); border-width: 0 .125rem .125rem 0; rotate: 45deg;
}
.scopes code { display: block; color: var(--muted); font-size: .8125rem; }
.note { padding: .75rem 1rem; border-radius: .75rem; background: var(--warn-soft); color: var(--warn); font-size: .875rem; }
.note strong { display: block; }
.note.good { background: var(--good-soft); color: var(--good); }
.mark { display: grid; place-items: center; width: 3rem; height: 3rem; border-radius: 50%; background: var(--good-soft); color: var(--good); }
.mark.bad { background: var(--danger-soft); color: var(--danger); }
.mark.plain { background: var(--soft); color: var(--muted); }
p > code.block { display: block; }
.mark svg { width: 1.5rem; height: 1.5rem; }
`

// Cells have room for common words, since what is long may break anywhere.
const ACCOUNT = `
.wide .top, .wide .card, .wide .foot { max-width: 60rem; }
.wide .top { justify-content: space-between; }
.wide main { display: flex; flex-direction: column; align-items: center; gap: 1.25rem; width: 100%; }
.wide main > h2, .wide main > .note { width: 100%; max-width: 60rem; }
.items { display: grid; gap: 0; }
.items > li { display: grid; gap: .5rem; padding-block: 1.125rem; border-block-start: 1px solid var(--line); }
.items > li:last-child { padding-block-end: 0; }
.row { display: flex; flex-wrap: wrap; align-items: flex-start; justify-content: space-between; gap: .5rem 1rem; }
.row > div { flex: 1 1 9rem; min-width: 0; }
.meta { display: flex; flex-wrap: wrap; gap: .125rem 1.25rem; color: var(--muted); font-size: .875rem; }
.meta > div { display: flex; gap: .375rem; }
.narrower { display: grid; gap: .75rem; max-width: 27rem; justify-items: stretch; }
.ruled { padding-block-start: 1.25rem; border-block-start: 1px solid var(--line); }
.remove { display: grid; gap: .75rem; justify-items: start; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
caption { text-align: start; }
th, td { padding: .625rem .75rem .625rem 0; border-block-end: 1px solid var(--line); text-align: start; vertical-align: middle; }
th { color: var(--muted); font-size: .8125rem; font-weight: 500; }
td { min-width: 5.5rem; }
tbody tr:last-child td { border-block-end: 0; }
td:last-child, th:last-child { padding-inline-end: 0; }
td .column { display: none; }
`

const PHONE = `
@media (max-width: 40rem) {
  body { padding: 1.25rem 0 1.5rem; gap: 1rem; background: var(--surface); }
  .top { padding-inline: 1.25rem; }
  .card { border: 0; border-block-start: 1px solid var(--line); border-radius: 0; box-shadow: none; padding: 1.5rem 1.25rem; }
  .wide main > h2, .wide main > .note { padding-inline: 1.25rem; }
  .wide main > .note { border-radius: 0; padding-block: 1rem; }
  table, tbody, tr, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding-block: .75rem; border-block-end: 1px solid var(--line); }
  tbody tr:last-child { border-block-end: 0; }
  td { display: grid; grid-template-columns: 7rem 1fr; gap: .75rem; align-items: baseline; padding: .125rem 0; border: 0; }
  td:has(> div:empty) { display: none; }
  td .column { display: block; color: var(--muted); font-size: .8125rem; }
}
@media (max-width: 21rem) { .facts > div { grid-template-columns: 1fr; gap: 0; } }
@media (forced-colors: active) { .mark, .tile, .avatar { border: 1px solid; } }
`

/** Builds the style sheet of all pages with the colours of the brand. */
export function buildStyleSheet({ light, dark }: Palettes): StyleSheet {
  const source = [
    `:root { color-scheme: light dark; ${variables(light)} }`,
    `@media (prefers-color-scheme: dark) { :root { ${variables(dark)} } }`,
    BASE,
    CONTROLS,
    PARTS,
    ACCOUNT,
    PHONE,
  ].join('\n')
  const css = source
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,]) ?/g, '$1')
    .trim()
  return { css, source: `'sha256-${createHash('sha256').update(css).digest('base64')}'` }
}
