import { escapeHtml, type Html, html, trustedHtml } from './html.js'

/** So that a page with it stays under 30 kB. */
const MAX_CHARACTERS = 12_000
const DATA_IMAGE = /^data:image\/(?:png|jpeg|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$/
const DATA_SVG = /^data:image\/svg\+xml(?:;charset=utf-8|;utf8)?,[\w\-.!~*'()%;/?:@&=+$, <>]+$/i

const ELEMENTS = new Set(
  'svg g path circle ellipse rect line polyline polygon defs linearGradient radialGradient stop clipPath mask'.split(
    ' ',
  ),
)
const ATTRIBUTES = new Set(
  (
    'xmlns viewBox width height preserveAspectRatio id d cx cy r rx ry x y x1 y1 x2 y2 fx fy points transform ' +
    'fill fill-rule fill-opacity stroke stroke-width stroke-linecap stroke-linejoin stroke-miterlimit ' +
    'stroke-dasharray stroke-dashoffset stroke-opacity opacity clip-path clip-rule mask offset stop-color ' +
    'stop-opacity gradientUnits gradientTransform spreadMethod clipPathUnits maskUnits'
  ).split(' '),
)
const TOKEN =
  /\s*<(\/?)([A-Za-z]+)((?:\s+[A-Za-z0-9:-]+\s*=\s*(?:"[^"<>&]*"|'[^'<>&]*'))*)\s*(\/?)>\s*/y
const ATTRIBUTE = /([A-Za-z0-9:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const PLAIN_VALUE = /^[\w\s.,#%()+:/-]*$/
const LOCAL_REFERENCE = /^url\(#[\w-]+\)$/

/** A logo that can be shown, or why not. */
export type LogoResult =
  | { readonly ok: true; readonly logo: Html }
  | { readonly ok: false; readonly message: string }

const refused = (message: string): LogoResult => ({ ok: false, message })

function isAllowedAttribute(name: string, value: string): boolean {
  if (name === 'xmlns') return value === 'http://www.w3.org/2000/svg'
  if (!ATTRIBUTES.has(name) || !PLAIN_VALUE.test(value)) return false
  return !/url|:/i.test(value) || LOCAL_REFERENCE.test(value)
}

/**
 * Reads inline SVG by a grammar that has only shapes and gradients, and writes it anew. Text, styles,
 * scripts, links, comments, entities and everything else that is not in the grammar is refused.
 */
function parseSvg(source: string): LogoResult {
  const open: string[] = []
  let markup = ''
  let at = 0
  while (at < source.length) {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(source)
    if (token === null) return refused('has something other than plain SVG shapes in it')
    const [whole, slash, name = '', attributes = '', selfClosing] = token
    if (!ELEMENTS.has(name)) return refused(`has the element ${JSON.stringify(name.slice(0, 40))}`)
    const isRoot = open.length === 0
    if (slash !== '') {
      if (open.pop() !== name || attributes !== '') return refused('has elements that do not nest')
      markup += `</${name}>`
    } else {
      if (isRoot !== (name === 'svg') || (isRoot && markup !== '')) {
        return refused('must be one <svg> element')
      }
      markup += `<${name}${isRoot ? ' class="logo" aria-hidden="true" focusable="false"' : ''}`
      for (const [, attribute = '', double, single] of attributes.matchAll(ATTRIBUTE)) {
        const value = double ?? single ?? ''
        if (!isAllowedAttribute(attribute, value)) {
          return refused(
            `has the attribute ${JSON.stringify(attribute.slice(0, 40))}, or its value`,
          )
        }
        markup += ` ${attribute}="${escapeHtml(value)}"`
      }
      markup += selfClosing === '' ? '>' : '/>'
      if (selfClosing === '') open.push(name)
    }
    at += whole.length
  }
  return open.length === 0 && markup !== ''
    ? { ok: true, logo: trustedHtml(markup) }
    : refused('has elements that do not nest')
}

/**
 * Checks a logo: an `<svg>` of shapes, which becomes part of the page, or a `data:` URL of a PNG, JPEG,
 * WebP or SVG image, which is shown as an image and so runs nothing.
 */
export function parseLogo(value: string): LogoResult {
  const text = value.trim()
  if (text.length > MAX_CHARACTERS) return refused(`must have at most ${MAX_CHARACTERS} characters`)
  if (DATA_IMAGE.test(text) || DATA_SVG.test(text)) {
    return { ok: true, logo: html`<img class="logo" src="${text}" alt="">` }
  }
  if (text.startsWith('<svg')) return parseSvg(text)
  return refused('must be an <svg> element, or a data: URL of a PNG, JPEG, WebP or SVG image')
}
