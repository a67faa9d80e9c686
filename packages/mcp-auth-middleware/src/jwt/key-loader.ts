import type { JwsAlgorithm } from './algorithms.js'
import { discoverJwksUri } from './discovery.js'
import { fetchJson, LOAD_DEADLINE, withDeadline } from './json-fetch.js'
import { importVerificationKey, type UnusableKey, type VerificationKey } from './jwk.js'
import { parseFreshness } from './key-freshness.js'
import type { KeySource } from './key-source.js'
import type { KeyFetchReason } from './reasons.js'

/** Most entries of a JWK Set. */
export const MAX_KEYS = 100

/** A loaded JWK Set, or why there is none. */
export type KeyLoad =
  | {
      readonly ok: true
      readonly keys: readonly VerificationKey[]
      readonly unusable: readonly UnusableKey[]
      /** Milliseconds. */
      readonly freshness: number
    }
  | { readonly ok: false; readonly reason: KeyFetchReason; readonly misconfigured: boolean }

/** Loads the keys of one source, afresh on every call. Never rejects. */
export type KeyLoader = () => Promise<KeyLoad>

const failed = (reason: KeyFetchReason): KeyLoad => ({ ok: false, reason, misconfigured: false })

async function importKeySet(
  document: Readonly<Record<string, unknown>>,
  algorithms: ReadonlySet<JwsAlgorithm>,
  freshness: number,
): Promise<KeyLoad> {
  const { keys: entries } = document
  if (!Array.isArray(entries)) return failed('not_a_key_set')
  if (entries.length > MAX_KEYS) return failed('too_many_keys')
  if (entries.length === 0) return failed('no_keys')
  const keys: VerificationKey[] = []
  const unusable: UnusableKey[] = []
  for (const entry of entries) {
    const imported = await importVerificationKey(entry, algorithms)
    if ('unusable' in imported) unusable.push(imported)
    else keys.push(imported)
  }
  return { ok: true, keys, unusable, freshness }
}

/**
 * Creates the loader of a key source. Metadata and keys together have one deadline of 3 s, bodies
 * included; where the keys are is remembered and asked again after their fetch has failed.
 */
export function createKeyLoader(
  source: KeySource,
  algorithms: ReadonlySet<JwsAlgorithm>,
  fetch: typeof globalThis.fetch,
): KeyLoader {
  if ('jwks' in source) {
    const document = { keys: source.jwks.keys }
    return () => importKeySet(document, algorithms, Number.POSITIVE_INFINITY)
  }
  let jwksUri = 'jwksUri' in source ? source.jwksUri : undefined

  const load = async (signal: AbortSignal): Promise<KeyLoad> => {
    if (jwksUri === undefined && 'discovery' in source) {
      const { discovery, documentIssuer = discovery } = source
      const found = await discoverJwksUri(discovery, documentIssuer, fetch, signal)
      if (!found.ok) return found
      jwksUri = found.jwksUri
    }
    if (jwksUri === undefined) return failed('metadata_invalid')
    const fetched = await fetchJson(jwksUri, fetch, signal)
    const loaded = fetched.ok
      ? await importKeySet(fetched.document, algorithms, parseFreshness(fetched.cacheControl))
      : failed(fetched.reason)
    if (!loaded.ok && 'discovery' in source) jwksUri = undefined
    return loaded
  }
  return () => withDeadline(LOAD_DEADLINE, load, () => failed('timeout'))
}
