import type { IncomingHttpHeaders } from 'node:http'

const MINIMUM_SECONDS = 60
const MAXIMUM_SECONDS = 24 * 3600
/** For answers that say nothing about it. */
const DEFAULT_SECONDS = 300

function parseDirectives(header: string): ReadonlyMap<string, string> {
  const directives = new Map<string, string>()
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', value = ''] = part.split('=')
    const key = name.trim()
    if (!directives.has(key)) directives.set(key, value.trim().replace(/^"(.*)"$/, '$1'))
  }
  return directives
}

/** A number that cannot be read counts as stale (RFC 9111 section 4.2.1). */
const parseSeconds = (text: string) => (/^\d+$/.test(text) ? Number(text) : 0)

function announced(headers: IncomingHttpHeaders, now: number): number | undefined {
  const directives = parseDirectives(headers['cache-control'] ?? '')
  // A server for many users is a shared cache.
  if (['no-store', 'no-cache', 'private'].some((name) => directives.has(name))) return 0
  const age = directives.get('s-maxage') ?? directives.get('max-age')
  if (age !== undefined) return parseSeconds(age) - parseSeconds(headers.age ?? '0')
  if (headers.expires === undefined) return undefined
  const date = Date.parse(headers.date ?? '')
  const expires = Date.parse(headers.expires)
  return Number.isNaN(expires) ? 0 : (expires - (Number.isNaN(date) ? now : date)) / 1000
}

/**
 * How long an answer may be reused, in seconds: as its headers say, within 1 minute and 24 hours.
 * Without a word about it, 5 minutes.
 *
 * @param now - in epoch milliseconds.
 * @see RFC 9111 section 4.2
 */
export function freshnessSeconds(headers: IncomingHttpHeaders, now: number): number {
  const seconds = announced(headers, now) ?? DEFAULT_SECONDS
  return Math.min(Math.max(seconds, MINIMUM_SECONDS), MAXIMUM_SECONDS)
}
