import { fetchJson, LOAD_DEADLINE, withDeadline } from '../jwt/json-fetch.js'
import { sharesPromises } from '../runtime.js'

/** The authorization server's metadata as JSON text, or how long to wait. */
export type MirroredMetadata =
  | { readonly kind: 'document'; readonly body: string }
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number }

/** Reads the metadata of one authorization server on demand. */
export interface AuthorizationServerMirror {
  read(now: number): Promise<MirroredMetadata>
}

const FRESH_MS = 10 * 60_000
const RETRY_MS = 5_000

/** Whether a time is at most `duration` after `start`. A clock that was set back ends the wait. */
function isWithin(start: number, duration: number, now: number): boolean {
  return now >= start && now < start + duration
}

/** The three places of RFC 8414 section 3 and OpenID Connect Discovery, in the clients' own order. */
export function metadataUrlsOf(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
  ]
  if (path !== '') urls.push(`${origin}${path}/.well-known/openid-configuration`)
  return urls
}

/**
 * Creates the mirror that clients of MCP 2025-03-26 read at the resource's own origin.
 *
 * Nothing is fetched before the first request. A document whose `issuer` is another one is not
 * passed on. JWK Sets are never mirrored: keys come from their issuer only.
 */
export function createAuthorizationServerMirror(options: {
  readonly issuer: string
  readonly fetch: typeof globalThis.fetch
  /** Told each time the metadata could not be read; at most once per retry interval. */
  readonly onUnavailable?: (() => void) | undefined
}): AuthorizationServerMirror {
  const { issuer } = options
  let held: { readonly body: string; readonly storedAt: number } | undefined
  let failedAt = Number.NEGATIVE_INFINITY
  let pending: Promise<MirroredMetadata> | undefined

  const fetchMetadata = async (signal: AbortSignal): Promise<string | undefined> => {
    for (const url of metadataUrlsOf(issuer)) {
      const result = await fetchJson(url, options.fetch, signal)
      if (result.ok && result.document.issuer === issuer) return JSON.stringify(result.document)
    }
    return undefined
  }

  const load = async (now: number): Promise<MirroredMetadata> => {
    const body = await withDeadline(LOAD_DEADLINE, fetchMetadata, () => undefined)
    if (body !== undefined) {
      held = { body, storedAt: now }
      return { kind: 'document', body }
    }
    failedAt = now
    options.onUnavailable?.()
    // A document that was good a while ago is better than none for a client that is signing in.
    return held === undefined
      ? { kind: 'unavailable', retryAfterSeconds: RETRY_MS / 1000 }
      : { kind: 'document', body: held.body }
  }

  return {
    async read(now) {
      const isWaiting = isWithin(failedAt, RETRY_MS, now)
      if (held !== undefined && (isWaiting || isWithin(held.storedAt, FRESH_MS, now))) {
        return { kind: 'document', body: held.body }
      }
      if (isWaiting) {
        const wait = failedAt + RETRY_MS - now
        return { kind: 'unavailable', retryAfterSeconds: Math.ceil(wait / 1000) }
      }
      if (!sharesPromises()) return load(now)
      pending ??= load(now).finally(() => {
        pending = undefined
      })
      return pending
    },
  }
}
