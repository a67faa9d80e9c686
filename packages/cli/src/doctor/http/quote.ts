import { escapeUnsafe } from '../../output/unsafe-characters.js'

const LIMIT = 300

/** Quotes what came from outside as JSON, capped, with nothing in it that a terminal acts on. */
export function quote(value: unknown, limit: number = LIMIT): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  const capped = text.length > limit ? `${text.slice(0, limit)}…` : text
  return escapeUnsafe(typeof value === 'string' ? JSON.stringify(capped) : capped)
}

/** A query without its values, which can be keys: `?api_key=…`. */
export function maskQuery(search: string): string {
  const parts = search.slice(1).split('&')
  const masked = parts.map((part) => (part.includes('=') ? `${part.split('=', 1)[0]}=…` : '…'))
  return search.length > 1 ? `?${masked.join('&')}` : ''
}

/** A URL without what can be a secret in it: its user, the values of its query, its fragment. */
export function maskUrl({ protocol, host, pathname, search, hash, origin, href }: URL): string {
  // What is no web address, such as `cursor://…`, has no origin.
  const isWeb = protocol === 'https:' || protocol === 'http:'
  const start = isWeb ? origin : href.slice(0, href.indexOf(':') + 1) + (host && `//${host}`)
  return `${start}${pathname}${maskQuery(search)}${hash && '#…'}`
}

/** A URL for people: ASCII, since hosts are in punycode and the rest is percent-encoded, and capped. */
export function showUrl(url: URL | string): string {
  const href = String(url)
  if (!URL.canParse(href)) return quote(href)
  const shown = maskUrl(new URL(href))
  return shown.length > LIMIT ? `${shown.slice(0, LIMIT)}…` : shown
}
