import { isAuthError } from '@bestviable/mcp-auth-middleware'
import { withinLimits } from './call-gate.js'
import type { InfisicalEvent } from './events.js'
import type { CallLimits, InfisicalApi, SecretRecord } from './infisical-api.js'
import type { ParsedOptions } from './options.js'

/** How long absence is believed: whoever just connected must not be asked to connect again. */
const ABSENT_SECONDS = 5

interface Entry {
  readonly record: SecretRecord | undefined
  /** Epoch milliseconds before the request that told it. */
  readonly at: number
}

/** A request whose answer may be older than a write of this process that it overlaps. */
interface Flight {
  readonly touched: Set<string>
  readonly at: number
}

/** What is known about the secrets of the folder. */
export interface SecretCache {
  /**
   * Finds one secret: in the last listing while that is fresh, else by asking. With `maxAgeSeconds`
   * nothing is older than that, also while Infisical is unavailable; 0 asks for this one secret.
   */
  read(name: string, limits: CallLimits, maxAgeSeconds?: number): Promise<SecretRecord | undefined>
  /** Asks for the whole folder. */
  list(limits: CallLimits): Promise<readonly SecretRecord[]>
  /** A write begins: from now on nobody knows what is stored. */
  begin(name: string): void
  /** A write was made. `undefined`: the secret was removed. */
  keep(name: string, record: SecretRecord | undefined): void
  /** Nothing of the write is under way any more. */
  end(name: string, kept: boolean): void
  clear(): void
}

/** What {@link createSecretCache} works with. */
export interface SecretCacheParts {
  readonly api: InfisicalApi
  readonly options: Pick<
    ParsedOptions,
    'listTtlSeconds' | 'serveStaleSeconds' | 'readDeadlineMilliseconds'
  >
  readonly now: () => number
  readonly emit: (event: InfisicalEvent) => void
}

const isUnavailable = (error: unknown) =>
  isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE'

/** Creates the cache of one store. */
export function createSecretCache({ api, options, now, emit }: SecretCacheParts): SecretCache {
  const { listTtlSeconds: ttl, serveStaleSeconds: stale, readDeadlineMilliseconds } = options
  const entries = new Map<string, Entry>()
  /** Secrets that a write may have changed since the last listing. */
  const unknown = new Set<string>()
  /** Number of writes under way for a secret. */
  const writing = new Map<string, number>()
  const flights = new Set<Flight>()
  let listedAt: number | undefined
  let refreshing: Promise<readonly SecretRecord[]> | undefined

  // A clock that was set back makes everything old.
  const isYoung = (at: number, seconds: number) => {
    const time = now()
    return time >= at && time < at + seconds * 1000
  }

  function touch(name: string): void {
    for (const flight of flights) flight.touched.add(name)
  }

  function takeOff(): Flight {
    const flight = { touched: new Set<string>(), at: now() }
    for (const name of writing.keys()) flight.touched.add(name)
    flights.add(flight)
    return flight
  }

  /** What is known about a secret without asking. */
  function known(name: string): Entry | undefined {
    if (unknown.has(name)) return undefined
    const entry = entries.get(name)
    if (entry !== undefined) return entry
    return listedAt === undefined ? undefined : { record: undefined, at: listedAt }
  }

  function fresh(name: string, maxAge = ttl): Entry | undefined {
    const entry = known(name)
    if (entry === undefined) return undefined
    const seconds = entry.record === undefined ? Math.min(ttl, ABSENT_SECONDS) : ttl
    return isYoung(entry.at, Math.min(seconds, maxAge)) ? entry : undefined
  }

  function adopt(flight: Flight, records: readonly SecretRecord[]): void {
    // An answer that was overtaken by the one to a later request is the older of the two.
    if (listedAt !== undefined && flight.at < listedAt && now() >= listedAt) return
    const own = new Map<string, Entry>()
    for (const name of flight.touched) {
      const entry = entries.get(name)
      if (entry !== undefined) own.set(name, entry)
    }
    entries.clear()
    unknown.clear()
    for (const record of records) entries.set(record.name, { record, at: flight.at })
    for (const name of flight.touched) {
      const entry = own.get(name)
      if (entry === undefined) {
        entries.delete(name)
        unknown.add(name)
      } else entries.set(name, entry)
    }
    listedAt = flight.at
  }

  async function list(limits: CallLimits): Promise<readonly SecretRecord[]> {
    const flight = takeOff()
    try {
      const answer = await api.listSecrets(limits)
      const records = answer === 'no-folder' ? [] : answer
      if (ttl > 0) adopt(flight, records)
      emit({ type: 'refresh', outcome: 'done', secrets: records.length })
      return records
    } catch (error) {
      emit({ type: 'refresh', outcome: 'failed' })
      throw error
    } finally {
      flights.delete(flight)
    }
  }

  /** One listing at a time for all readers; a reader that goes away does not disturb the others. */
  async function refresh(limits: CallLimits): Promise<void> {
    if (refreshing === undefined) {
      const started = list({ deadline: performance.now() + readDeadlineMilliseconds })
      refreshing = started
      const end = () => {
        if (refreshing === started) refreshing = undefined
      }
      started.then(end, end)
    }
    await withinLimits(refreshing, limits)
  }

  async function readOne(name: string, limits: CallLimits): Promise<SecretRecord | undefined> {
    const flight = takeOff()
    try {
      const answer = await api.getSecret(name, limits)
      const record = typeof answer === 'string' ? undefined : answer
      // Without a listing, entries serve only while Infisical is unavailable, and absence never does.
      const worthKeeping = ttl > 0 ? listedAt !== undefined : stale > 0 && record !== undefined
      if (!flight.touched.has(name)) {
        unknown.delete(name)
        if (worthKeeping) entries.set(name, { record, at: flight.at })
        else entries.delete(name)
      }
      return record
    } finally {
      flights.delete(flight)
    }
  }

  async function ask(name: string, limits: CallLimits): Promise<SecretRecord | undefined> {
    if (ttl === 0 || unknown.has(name)) return readOne(name, limits)
    await refresh(limits)
    // A write of this process may have begun meanwhile.
    const entry = known(name)
    return entry === undefined ? readOne(name, limits) : entry.record
  }

  return {
    list,

    async read(name, limits, maxAgeSeconds) {
      if (maxAgeSeconds === 0) return readOne(name, limits)
      const entry = ttl === 0 ? undefined : fresh(name, maxAgeSeconds)
      if (entry !== undefined) return entry.record
      try {
        return await ask(name, limits)
      } catch (error) {
        if (!isUnavailable(error)) throw error
        const held = known(name)
        const limit = Math.min(ttl + stale, maxAgeSeconds ?? Number.POSITIVE_INFINITY)
        if (held?.record === undefined || !isYoung(held.at, limit)) throw error
        emit({ type: 'stale' })
        return held.record
      }
    },

    begin(name) {
      writing.set(name, (writing.get(name) ?? 0) + 1)
      entries.delete(name)
      unknown.add(name)
      touch(name)
    },

    keep(name, record) {
      touch(name)
      unknown.delete(name)
      if (listedAt !== undefined || (stale > 0 && record !== undefined)) {
        entries.set(name, { record, at: now() })
      }
    },

    end(name, kept) {
      const count = (writing.get(name) ?? 1) - 1
      if (count === 0) writing.delete(name)
      else writing.set(name, count)
      touch(name)
      if (kept) return
      entries.delete(name)
      unknown.add(name)
    },

    clear() {
      entries.clear()
      unknown.clear()
      listedAt = undefined
    },
  }
}
