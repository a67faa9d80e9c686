import type { ValidatorIncident, VerdictReuse } from '../validators/validator.js'
import type { JwsAlgorithm } from './algorithms.js'
import { createFetchSchedule } from './fetch-schedule.js'
import { type HeldKeys, holdKeys, type KeyCandidate } from './held-keys.js'
import { LOAD_DEADLINE } from './json-fetch.js'
import type { UnusableKey } from './jwk.js'
import type { KeyLoad, KeyLoader } from './key-loader.js'
import type { KeyFetchReason } from './reasons.js'

/** How long keys serve after their last fetch while the issuer cannot be reached, in milliseconds. */
export const STALE_IF_ERROR = 24 * 60 * 60_000

/** Part of the freshness after which keys are fetched again in the background. */
const REFRESH_AT = 0.8

/** Answer to "which keys may have signed this token". */
export type KeyLookup =
  | {
      readonly kind: 'keys'
      readonly candidates: readonly KeyCandidate[]
      /** As of this look-up: a key may be withdrawn while a signature is checked with it. */
      readonly reuse: VerdictReuse
    }
  | { readonly kind: 'unknown'; readonly reason: 'unknown_key' | 'key_alg_mismatch' }
  | {
      readonly kind: 'unavailable'
      readonly retryAfterSeconds: number
      readonly reason: KeyFetchReason
    }

/** What a key set reports; the validator adds its name and issuer. */
export type KeySetIncident = Pick<ValidatorIncident, 'kind' | 'reason' | 'message'>

/** The keys of one issuer: fetched when needed, kept, refreshed, and missed in a civil way. */
export interface KeySet {
  /** Finds the candidates. Answers at once while fresh keys are held. */
  lookup(alg: JwsAlgorithm, kid: string | undefined): KeyLookup | Promise<KeyLookup>
  /**
   * Called after a bad signature: fetches again if a token may cause that now, and returns candidates
   * that were not tried yet.
   */
  lookupAgain(
    alg: JwsAlgorithm,
    kid: string | undefined,
    tried: readonly KeyCandidate[],
  ): Promise<readonly KeyCandidate[]>
  /** Epoch milliseconds up to which a verdict made now may be reused. */
  reuseUntil(): number
  /** Turns false, and is replaced, when a key was dropped or changed. */
  readonly generation: { readonly current: boolean }
}

/** Options of {@link createKeySet}. */
export interface KeySetOptions {
  readonly load: KeyLoader
  /** Current time in epoch milliseconds. */
  readonly now: () => number
  /** Whether requests may wait for one another's fetch and leave one running. */
  readonly sharesPromises: boolean
  readonly report: (incident: KeySetIncident) => void
}

interface Held {
  readonly keys: HeldKeys
  fetchedAt: number
  readonly freshness: number
}

function describeUnusable({ kid, unusable }: UnusableKey): KeySetIncident {
  const name = kid === undefined ? 'a key without kid' : `key ${JSON.stringify(kid.slice(0, 100))}`
  return { kind: 'key-unusable', reason: unusable, message: `${name} is not used: ${unusable}` }
}

/**
 * Creates the key cache of one issuer.
 *
 * - Fresh keys answer without waiting. From 80 % of their freshness they are refreshed in the
 *   background; past it the refresh is awaited, unless the last one failed: then stale keys serve at
 *   once, for up to 24 h after their fetch, and retries back off to 30 s.
 * - Without keys a failed fetch is repeated after 1 and then every 2.3 s from start to start, and 0.5 s
 *   after its end; in between the answer is `unavailable` without any fetch.
 * - An unknown `kid` or a bad signature causes one fetch per 30 s for all tokens together, counted
 *   from the last attempt. `unknown` is only ever said after a successful fetch.
 * - Where promises are not shared (Workers), each request fetches for itself and nothing is left
 *   running; only results are shared.
 */
export function createKeySet(options: KeySetOptions): KeySet {
  const { load, report } = options
  const schedule = createFetchSchedule()
  let held: Held | undefined
  let generation = { current: true }
  let pending: Promise<void> | undefined
  /** Start of an attempt whose end is not known yet. */
  let openSince: number | undefined
  let lastFailure: KeyFetchReason = 'network_error'
  let reportedKeys: ReadonlySet<string> = new Set()
  let lastNow = Number.NEGATIVE_INFINITY

  /** Reads the clock. When it was set back, durations count on as if it had stood still. */
  const observe = (): number => {
    const now = options.now()
    if (now < lastNow) {
      const shift = now - lastNow
      schedule.shift(shift)
      if (held !== undefined) held.fetchedAt += shift
      if (openSince !== undefined) openSince += shift
    }
    lastNow = now
    return now
  }

  const dropGeneration = (): void => {
    generation.current = false
    generation = { current: true }
  }

  const discard = (): void => {
    if (held !== undefined) dropGeneration()
    held = undefined
  }

  const isTooOld = ({ fetchedAt, freshness }: Held, now: number): boolean =>
    freshness !== Number.POSITIVE_INFINITY && !(now - fetchedAt < STALE_IF_ERROR)

  const reportUnusable = (unusable: readonly UnusableKey[]): void => {
    const seen = new Set<string>()
    for (const key of unusable) {
      const name = JSON.stringify([key.kid, key.unusable])
      if (!seen.has(name) && !reportedKeys.has(name)) report(describeUnusable(key))
      seen.add(name)
    }
    reportedKeys = seen
  }

  const apply = (loaded: KeyLoad): void => {
    const now = observe()
    const startedAt = openSince ?? now
    openSince = undefined
    if (!loaded.ok) {
      lastFailure = loaded.reason
      schedule.failed(now, startedAt)
      // An empty set withdraws every key, so the old ones must not serve on. It is no reason either
      // to call good tokens bad.
      if (loaded.reason === 'no_keys') discard()
      report({
        kind: loaded.misconfigured ? 'issuer-misconfigured' : 'keys-unavailable',
        reason: loaded.reason,
      })
      return
    }
    schedule.succeeded(now)
    const keys = holdKeys(loaded.keys)
    if (held !== undefined && !held.keys.isContainedIn(keys)) dropGeneration()
    held = { keys, fetchedAt: now, freshness: loaded.freshness }
    report({ kind: 'keys-fetched', reason: 'fetched' })
    reportUnusable(loaded.unusable)
  }

  /** A load that breaks its contract says nothing about any token: it counts as an outage. */
  const loadSafely = (): Promise<KeyLoad> =>
    load().catch(() => ({ ok: false, reason: 'network_error', misconfigured: false }))

  const attempt = (): Promise<void> => {
    if (pending !== undefined) return pending
    openSince = observe()
    const applied = loadSafely().then(apply)
    if (!options.sharesPromises) return applied
    pending = applied.finally(() => {
      pending = undefined
    })
    return pending
  }

  /** Whether another request, whose promise we must not touch, is fetching right now. */
  const isOpenElsewhere = (now: number): boolean =>
    !options.sharesPromises && openSince !== undefined && now - openSince < LOAD_DEADLINE

  const unavailable = (milliseconds: number): KeyLookup => ({
    kind: 'unavailable',
    retryAfterSeconds: Math.min(60, Math.max(1, Math.ceil(milliseconds / 1000))),
    reason: lastFailure,
  })

  const reuseUntil = (): number => {
    const now = observe()
    if (held === undefined) return now
    const freshUntil = held.fetchedAt + held.freshness
    if (now < freshUntil) return freshUntil
    const retryAt = now + schedule.backOffLeft(now, true)
    return Math.min(retryAt, held.fetchedAt + STALE_IF_ERROR)
  }

  const found = (candidates: readonly KeyCandidate[]): KeyLookup => ({
    kind: 'keys',
    candidates,
    reuse: { until: reuseUntil(), generation },
  })

  /** Answers from what is held, without a further fetch. */
  const settle = (alg: JwsAlgorithm, kid: string | undefined): KeyLookup => {
    const now = observe()
    if (held === undefined) return unavailable(schedule.backOffLeft(now, false))
    const candidates = held.keys.find(alg, kid)
    if (candidates !== undefined) return found(candidates)
    if (kid !== undefined && held.keys.hasKid(kid)) {
      return { kind: 'unknown', reason: 'key_alg_mismatch' }
    }
    if (schedule.failing) return unavailable(schedule.coolDownLeft(now))
    return { kind: 'unknown', reason: 'unknown_key' }
  }

  const attemptThenSettle = async (
    alg: JwsAlgorithm,
    kid: string | undefined,
  ): Promise<KeyLookup> => {
    await attempt()
    return settle(alg, kid)
  }

  const lookupUnknown = (
    alg: JwsAlgorithm,
    kid: string | undefined,
    now: number,
  ): KeyLookup | Promise<KeyLookup> => {
    if (kid !== undefined && held?.keys.hasKid(kid) === true) return settle(alg, kid)
    if (held?.freshness === Number.POSITIVE_INFINITY) return settle(alg, kid)
    if (isOpenElsewhere(now)) return unavailable(1000)
    const mayFetch = pending !== undefined || schedule.coolDownLeft(now) === 0
    return mayFetch ? attemptThenSettle(alg, kid) : settle(alg, kid)
  }

  /** Starts or awaits a refresh when one is due; `undefined` when the held keys answer right now. */
  const refresh = (keys: Held, now: number): Promise<void> | undefined => {
    const age = now - keys.fetchedAt
    if (age < keys.freshness * REFRESH_AT || schedule.backOffLeft(now, true) > 0) return undefined
    const isOver = age >= keys.freshness
    if (!options.sharesPromises) {
      return isOver && !isOpenElsewhere(now) ? attempt() : undefined
    }
    const attempted = attempt()
    if (isOver && !schedule.failing) return attempted
    // Nobody waits for this one, and a clock that throws must not end the process.
    attempted.catch(() => undefined)
    return undefined
  }

  return {
    lookup(alg, kid) {
      const now = observe()
      if (held !== undefined && isTooOld(held, now)) discard()
      if (held === undefined) {
        const mustWait = pending === undefined && schedule.backOffLeft(now, false) > 0
        return mustWait ? settle(alg, kid) : attemptThenSettle(alg, kid)
      }
      const refreshed = refresh(held, now)
      if (refreshed !== undefined) return refreshed.then(() => settle(alg, kid))
      const candidates = held.keys.find(alg, kid)
      return candidates === undefined ? lookupUnknown(alg, kid, now) : found(candidates)
    },
    async lookupAgain(alg, kid, tried) {
      const now = observe()
      if (held === undefined || held.freshness === Number.POSITIVE_INFINITY) return []
      const mayFetch = pending !== undefined || schedule.coolDownLeft(now) === 0
      if (mayFetch && !isOpenElsewhere(now)) await attempt()
      const triedKeys = new Set(tried.map(({ identity }) => identity))
      const candidates = held?.keys.find(alg, kid) ?? []
      return candidates.filter(({ identity }) => !triedKeys.has(identity))
    },
    reuseUntil,
    get generation() {
      return generation
    },
  }
}
