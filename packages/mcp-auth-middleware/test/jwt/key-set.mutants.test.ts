import { beforeEach, describe, expect, it } from 'vitest'
import { createKeyLoader, type KeyLoad } from '../../src/jwt/key-loader.js'
import {
  createKeySet,
  type KeySet,
  type KeySetIncident,
  type KeySetOptions,
} from '../../src/jwt/key-set.js'
import {
  createClock,
  createNetwork,
  type FakeClock,
  type FakeNetwork,
  keySetOf,
  settle,
} from './fakes.js'
import { createSigningKey } from './sign.js'

const URL = 'https://as.test/jwks'
const FRESHNESS = 600
const COOL_DOWN = 30
const LOAD_DEADLINE = 3
const k1 = createSigningKey('ES256', 'k1')
const k2 = createSigningKey('ES256', 'k2')

let clock: FakeClock
let network: FakeNetwork
let incidents: KeySetIncident[]

beforeEach(() => {
  clock = createClock()
  network = createNetwork({ [URL]: keySetOf(k1) })
  incidents = []
})

function create(options: Partial<KeySetOptions> = {}): KeySet {
  return createKeySet({
    load: createKeyLoader({ jwksUri: URL }, new Set(['ES256']), network.fetch),
    now: clock.now,
    sharesPromises: true,
    report: (incident) => incidents.push(incident),
    ...options,
  })
}

/** Keys from the configuration, and how often they were read. */
function createStatic(): { keySet: KeySet; loads: () => number } {
  let loads = 0
  const load = createKeyLoader({ jwks: keySetOf(k1) }, new Set(['ES256']), network.fetch)
  const keySet = create({
    load: () => {
      loads += 1
      return load()
    },
  })
  return { keySet, loads: () => loads }
}

const ask = (keySet: KeySet, kid: string | undefined = 'k1') => keySet.lookup('ES256', kid)
const kindOf = async (keySet: KeySet, kid?: string) => (await ask(keySet, kid)).kind
const unusableOf = () => incidents.filter(({ kind }) => kind === 'key-unusable')

describe('what a key set reports', () => {
  it('names an unusable key by the first 100 characters of its kid, once while it is there', async () => {
    const unusable = (kid?: string) => ({ kty: 'oct', k: 'AAAA', ...(kid && { kid }) })
    const kid = 'x'.repeat(101)
    const bad = [unusable(), unusable(kid), unusable(kid)]
    network.answers.set(URL, { keys: [k1.jwk, ...bad] })
    const keySet = create()
    const again = async () => {
      clock.advance(FRESHNESS + 1)
      await ask(keySet)
    }
    await ask(keySet)
    const reason = unusableOf()[0]?.reason
    const both = [
      {
        kind: 'key-unusable',
        reason,
        message: `a key without kid is not used: ${reason}`,
      },
      {
        kind: 'key-unusable',
        reason,
        message: `key "${'x'.repeat(100)}" is not used: ${reason}`,
      },
    ]
    expect(unusableOf()).toEqual(both)
    await again()
    expect(unusableOf()).toEqual(both)
    network.answers.set(URL, keySetOf(k1))
    await again()
    network.answers.set(URL, { keys: [k1.jwk, ...bad] })
    await again()
    expect(unusableOf()).toEqual([...both, ...both])
  })

  it('tells an issuer that is misconfigured from keys that are unavailable', async () => {
    for (const misconfigured of [true, false]) {
      const load = async (): Promise<KeyLoad> => ({ ok: false, reason: 'not_json', misconfigured })
      await ask(create({ load }))
    }
    expect(incidents).toEqual([
      { kind: 'issuer-misconfigured', reason: 'not_json' },
      { kind: 'keys-unavailable', reason: 'not_json' },
    ])
  })

  it('takes a load that rejects for an outage', async () => {
    const keySet = create({ load: () => Promise.reject(new Error('canary')) })
    expect(await ask(keySet)).toEqual({
      kind: 'unavailable',
      retryAfterSeconds: 1,
      reason: 'network_error',
    })
    expect(incidents).toEqual([{ kind: 'keys-unavailable', reason: 'network_error' }])
  })
})

describe('how long a verdict may be used again', () => {
  it('is not at all without keys, and while they are fresh with them', async () => {
    const keySet = create()
    expect(keySet.reuseUntil()).toBe(clock.now())
    const until = clock.now() + FRESHNESS * 1000
    expect(await ask(keySet)).toMatchObject({
      kind: 'keys',
      reuse: { until, generation: keySet.generation },
    })
    expect(keySet.reuseUntil()).toBe(until)
  })

  it('ends with a generation, which an empty set ends only where keys were held', async () => {
    const keySet = create()
    const { generation } = keySet
    network.answers.set(URL, { keys: [] })
    expect(await kindOf(keySet)).toBe('unavailable')
    expect([keySet.generation === generation, generation.current]).toEqual([true, true])
    clock.advance(10)
    network.answers.set(URL, keySetOf(k1))
    expect(await kindOf(keySet)).toBe('keys')
    network.answers.set(URL, { keys: [] })
    clock.advance(FRESHNESS + 1)
    expect(await kindOf(keySet)).toBe('unavailable')
    expect(generation.current).toBe(false)
  })
})

describe('keys of the configuration', () => {
  it('are read once, however old they are and whatever is asked for', async () => {
    const { keySet, loads } = createStatic()
    expect(await keySet.lookupAgain('ES256', 'k1', [])).toEqual([])
    expect(loads()).toBe(0)
    expect(await kindOf(keySet)).toBe('keys')
    const { generation } = keySet
    clock.advance(48 * 3600)
    expect(ask(keySet)).toMatchObject({ kind: 'keys' })
    expect(ask(keySet, 'k2')).toEqual({ kind: 'unknown', reason: 'unknown_key' })
    expect(await keySet.lookupAgain('ES256', 'k1', [])).toEqual([])
    expect([loads(), keySet.generation === generation]).toEqual([1, true])
  })
})

describe('lookupAgain()', () => {
  it('fetches nothing where nothing was fetched before', async () => {
    expect(await create().lookupAgain('ES256', 'k1', [])).toEqual([])
    expect(network.requests).toEqual([])
  })

  it('finds nothing in a set that has become empty', async () => {
    const keySet = create()
    await ask(keySet)
    clock.advance(COOL_DOWN)
    network.answers.set(URL, { keys: [] })
    expect(await keySet.lookupAgain('ES256', 'k1', [])).toEqual([])
  })
})

describe('a token without kid', () => {
  it('causes no fetch while a key fits', async () => {
    const keySet = create()
    await ask(keySet)
    clock.advance(COOL_DOWN + 1)
    expect(keySet.lookup('ES256', undefined)).toMatchObject({ kind: 'keys' })
    expect(network.requests).toHaveLength(1)
  })
})

describe('a fetch that is under way', () => {
  it('is shared by all who ask for a key that is not here', async () => {
    const keySet = create()
    await ask(keySet)
    clock.advance(COOL_DOWN)
    network.answers.set(URL, keySetOf(k1, k2))
    const gate = network.hold()
    const asked = [kindOf(keySet, 'k2'), kindOf(keySet, 'k2'), kindOf(keySet, 'k3')]
    gate.release()
    expect(await Promise.all(asked)).toEqual(['keys', 'keys', 'unknown'])
    expect(network.requests).toHaveLength(2)
  })

  it.each(['a look-up', 'a bad signature'])(
    'is joined by %s also before a token may cause the next',
    async (what) => {
      const keySet = create()
      await ask(keySet)
      network.down = true
      clock.advance(FRESHNESS * 0.8)
      await ask(keySet)
      await settle()
      clock.advance(1)
      network.down = false
      network.answers.set(URL, keySetOf(k1, k2))
      const gate = network.hold()
      // The second attempt in the background; the first has failed a second ago.
      expect(await kindOf(keySet)).toBe('keys')
      const joined =
        what === 'a look-up'
          ? kindOf(keySet, 'k2')
          : keySet.lookupAgain('ES256', 'k2', []).then(({ length }) => length)
      gate.release()
      expect(await joined).toBe(what === 'a look-up' ? 'keys' : 1)
      expect(network.requests).toHaveLength(3)
    },
  )

  it('is left alone by other requests where promises are not shared', async () => {
    const keySet = create({ sharesPromises: false })
    await ask(keySet)
    clock.advance(COOL_DOWN)
    const gate = network.hold()
    const first = kindOf(keySet, 'k2')
    expect(await ask(keySet, 'k2')).toEqual({
      kind: 'unavailable',
      retryAfterSeconds: 1,
      reason: 'network_error',
    })
    gate.release()
    expect(await first).toBe('unknown')
    expect(network.requests).toHaveLength(2)
  })

  it('counts on when the clock is set back, up to its deadline', async () => {
    const keySet = create({ sharesPromises: false })
    await ask(keySet)
    clock.advance(FRESHNESS + 1)
    const gate = network.hold()
    const first = kindOf(keySet)
    clock.advance(-100)
    expect(ask(keySet)).toMatchObject({ kind: 'keys' })
    clock.advance(LOAD_DEADLINE - 0.001)
    expect(ask(keySet)).toMatchObject({ kind: 'keys' })
    expect(network.requests).toHaveLength(2)
    clock.advance(0.001)
    const second = kindOf(keySet)
    expect(network.requests).toHaveLength(3)
    gate.release()
    expect(await Promise.all([first, second])).toEqual(['keys', 'keys'])
  })
})
