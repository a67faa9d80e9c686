/** Shortest and longest time that fetched keys count as fresh, in milliseconds. */
export const MIN_FRESHNESS = 60_000
export const MAX_FRESHNESS = 15 * 60_000
const DEFAULT_FRESHNESS = 10 * 60_000

/**
 * Reads how long fetched keys are fresh, in milliseconds: `max-age` between 60 s and 15 min, 10 min
 * when the header says nothing. `no-store`, `no-cache` and unreadable values count as 60 s, and of
 * several values the smallest counts.
 */
export function parseFreshness(cacheControl: string | undefined): number {
  if (cacheControl === undefined) return DEFAULT_FRESHNESS
  let freshness: number | undefined
  for (const directive of cacheControl.toLowerCase().split(',')) {
    const [name = '', value = ''] = directive.split('=').map((part) => part.trim())
    let stated: number
    if (name === 'no-store' || name === 'no-cache') stated = 0
    else if (name === 'max-age')
      stated = /^"?\d+"?$/.test(value) ? Number.parseInt(value.replace('"', ''), 10) : 0
    else continue
    freshness = Math.min(freshness ?? stated, stated)
  }
  if (freshness === undefined) return DEFAULT_FRESHNESS
  return Math.min(Math.max(freshness * 1000, MIN_FRESHNESS), MAX_FRESHNESS)
}
