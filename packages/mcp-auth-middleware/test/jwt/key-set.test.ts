import { beforeEach, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import type { JwsAlgorithm } from '../../src/jwt/algorithms.js'
import { createKeyLoader } from '../../src/jwt/key-loader.js'
import { createKeySet, type KeySet, type KeySetIncident } from '../../src/jwt/key-set.js'
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
const k1 = createSigningKey('ES256', 'k1')
const k2 = createSigningKey('ES256', 'k2')
const k1Again = createSigningKey('ES256', 'k1')

let clock: FakeClock
let network: FakeNetwork
let incidents: KeySetIncident[]

beforeEach(() => {
  clock = createClock()
  network = createNetwork({ [URL]: keySetOf(k1) })
  incidents = []
})

function create(sharesPromises = true, algorithms: JwsAlgorithm[] = ['ES256']): KeySet {
  return createKeySet({
    load: createKeyLoader({ jwksUri: URL }, new Set(algorithms), network.fetch),
    now: clock.now,
    sharesPromises,
    report: (incident) => incidents.push(incident),
  })
}

function answerWith(document: unknown, cacheControl?: string): void {
  const headers = cacheControl === undefined ? undefined : { 'cache-control': cacheControl }
  network.answers.set(URL, Response.json(document, { headers: headers ?? {} }))
}

async function kindOf(keySet: KeySet, kid: string | undefined = 'k1'): Promise<string> {
  const { kind } = await keySet.lookup('ES256', kid)
  return kind
}

describe('createKeySet()', () => {
  it('fetches nothing before the first look-up, and once for many', async () => {
    const keySet = create()
    expect(network.requests).toEqual([])
    for (let i = 0; i < 5; i += 1) expect(await kindOf(keySet)).toBe('keys')
    expect(network.requests).toHaveLength(1)
    expect(incidents).toEqual([{ kind: 'keys-fetched', reason: 'fetched' }])
  })

  it('answers without a promise while keys are fresh', async () => {
    const keySet = create()
    await keySet.lookup('ES256', 'k1')
    expect(keySet.lookup('ES256', 'k1')).toMatchObject({ kind: 'keys' })
  })

  it('K23 shares one fetch among 200 cold look-ups', async () => {
    const keySet = create()
    const kinds = await Promise.all(Array.from({ length: 200 }, () => kindOf(keySet)))
    expect(new Set(kinds)).toEqual(new Set(['keys']))
    expect(network.requests).toHaveLength(1)
  })

  describe('without keys', () => {
    it('K05 is unavailable when the endpoint fails, never unknown', async () => {
      network.answers.set(URL, new Response('oops', { status: 500 }))
      expect(await create().lookup('ES256', 'k1')).toEqual({
        kind: 'unavailable',
        retryAfterSeconds: 1,
        reason: 'http_status',
      })
      expect(incidents).toEqual([{ kind: 'keys-unavailable', reason: 'http_status' }])
    })

    it('K05 repeats a failed fetch after 1 and then every 2.3 s, and not in between', async () => {
      network.down = true
      const keySet = create()
      let attempts = 1
      expect(await kindOf(keySet)).toBe('unavailable')
      for (const delay of [1, 2.3, 2.3, 2.3, 2.3, 2.3]) {
        clock.advance(delay - 0.001)
        expect(await keySet.lookup('ES256', 'k1')).toMatchObject({ retryAfterSeconds: 1 })
        expect(network.requests).toHaveLength(attempts)
        clock.advance(0.001)
        expect(await kindOf(keySet)).toBe('unavailable')
        attempts += 1
        expect(network.requests).toHaveLength(attempts)
      }
      expect(await keySet.lookup('ES256', 'k1')).toMatchObject({ retryAfterSeconds: 3 })
    })

    it('K05 fetches 5 times in the first 10 s of an outage', async () => {
      network.down = true
      const keySet = create()
      for (let look = 0; look < 1000; look++) {
        expect(await kindOf(keySet)).toBe('unavailable')
        clock.advance(0.01)
      }
      expect(network.requests).toHaveLength(5)
    })

    it('K05 repeats a fetch that hung half a second after its end, and not sooner', async () => {
      network.down = true
      const keySet = create()
      for (let attempts = 1; attempts < 4; attempts++) {
        const gate = network.hold()
        const hung = kindOf(keySet)
        clock.advance(3)
        gate.release()
        expect(await hung).toBe('unavailable')
        clock.advance(0.499)
        expect(await kindOf(keySet)).toBe('unavailable')
        expect(network.requests).toHaveLength(attempts)
        clock.advance(0.001)
      }
    })

    // R8: an attempt may hang for its deadline of 3 s from just before the keys were back.
    it('K05 is never more than 5 s from the next attempt, also after one that hung', async () => {
      network.down = true
      const keySet = create()
      for (let attempt = 0; attempt < 10; attempt++) {
        clock.advance(5)
        const gate = network.hold()
        const hung = kindOf(keySet)
        clock.advance(3)
        gate.release()
        expect(await hung).toBe('unavailable')
      }
      network.down = false
      clock.advance(1.999)
      expect(await kindOf(keySet)).toBe('keys')
    })

    it('K21 serves as soon as a fetch works again', async () => {
      network.down = true
      const keySet = create()
      expect(await kindOf(keySet)).toBe('unavailable')
      network.down = false
      clock.advance(1)
      expect(await kindOf(keySet)).toBe('keys')
    })

    it('K06 shares one hanging fetch among 50 look-ups', async () => {
      const gate = network.hold()
      const keySet = create()
      const kinds = Promise.all(Array.from({ length: 50 }, () => kindOf(keySet)))
      network.down = true
      gate.release()
      expect(new Set(await kinds)).toEqual(new Set(['unavailable']))
      expect(network.requests).toHaveLength(1)
    })
  })

  describe('with fresh keys', () => {
    it('K18 says that the key exists, but not for this algorithm, without a fetch', async () => {
      const keySet = create(true, ['ES256', 'RS256'])
      await keySet.lookup('ES256', 'k1')
      clock.advance(60)
      expect(await keySet.lookup('RS256', 'k1')).toEqual({
        kind: 'unknown',
        reason: 'key_alg_mismatch',
      })
      expect(network.requests).toHaveLength(1)
    })

    it('K22 refreshes in the background from 80 % of the freshness, not before', async () => {
      answerWith(keySetOf(k1), 'max-age=100')
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      clock.advance(79)
      expect(keySet.lookup('ES256', 'k1')).not.toBeInstanceOf(Promise)
      expect(network.requests).toHaveLength(1)
      clock.advance(1)
      expect(keySet.lookup('ES256', 'k1')).not.toBeInstanceOf(Promise)
      expect(network.requests).toHaveLength(2)
      await settle()
    })

    it('K02 forgets a withdrawn key with the refresh, and ends its verdicts', async () => {
      answerWith(keySetOf(k1, k2), 'max-age=100')
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      const { generation } = keySet
      answerWith(keySetOf(k2), 'max-age=100')
      clock.advance(100)
      // The refresh is awaited once the freshness is over, so not even one more token passes.
      expect(await kindOf(keySet)).toBe('unknown')
      expect(await kindOf(keySet, 'k2')).toBe('keys')
      expect(generation.current).toBe(false)
      expect(keySet.generation.current).toBe(true)
    })

    it('K02 ends verdicts when a key changes under its kid', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      const { generation } = keySet
      answerWith(keySetOf(k1Again))
      clock.advance(600)
      await keySet.lookup('ES256', 'k1')
      expect(generation.current).toBe(false)
    })

    it('keeps verdicts when a key is added or the order changes', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      const { generation } = keySet
      answerWith(keySetOf(k2, k1))
      clock.advance(600)
      await keySet.lookup('ES256', 'k1')
      expect(network.requests).toHaveLength(2)
      expect(keySet.generation).toBe(generation)
      expect(generation.current).toBe(true)
    })

    it('allows reuse until the freshness ends', async () => {
      answerWith(keySetOf(k1), 'max-age=100')
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      clock.advance(30)
      expect(keySet.reuseUntil()).toBe(clock.now() + 70_000)
    })
  })

  describe('with an unknown kid', () => {
    it('K01 fetches once after the cool-down and finds a new key', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      answerWith(keySetOf(k1, k2))
      clock.advance(29.999)
      expect(await kindOf(keySet, 'k2')).toBe('unknown')
      expect(network.requests).toHaveLength(1)
      clock.advance(0.001)
      expect(await kindOf(keySet, 'k2')).toBe('keys')
      expect(network.requests).toHaveLength(2)
    })

    it('K03 fetches once per cool-down for 10,000 kids together', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      clock.advance(30)
      const kinds = new Set<string>()
      for (let i = 0; i < 10_000; i += 1) {
        kinds.add(await kindOf(keySet, `unknown-${i}`))
        clock.advance(0.001)
      }
      expect(kinds).toEqual(new Set(['unknown']))
      expect(network.requests).toHaveLength(2)
      recordFigure({
        id: 'R6',
        part: 'unknown-key-ids',
        values: { 'unknown key ids within 10 s': 10_000, 'fetches they caused': 1 },
        isMet: true,
        method: 'Requests for keys are counted on an injected clock, at the limit of one per 30 s.',
      })
      expect(keySet.lookup('ES256', 'k1')).toMatchObject({ kind: 'keys' })
    })

    it('K03 fetches once per cool-down while the endpoint fails, and calls no token bad', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      clock.advance(30)
      network.down = true
      const kinds = new Set<string>()
      for (let i = 0; i < 1000; i += 1) {
        kinds.add(await kindOf(keySet, `unknown-${i}`))
        clock.advance(0.01)
      }
      expect(kinds).toEqual(new Set(['unavailable']))
      expect(network.requests).toHaveLength(2)
      expect(await kindOf(keySet, 'k1')).toBe('keys')
      clock.advance(20)
      network.down = false
      expect(await kindOf(keySet, 'unknown')).toBe('unknown')
    })

    it.each(['__proto__', 'constructor', '../../dev/null', "k1' OR '1'='1", 'ES256 k1'])(
      'J11 takes kid %j for nothing but a name',
      async (kid) => {
        const keySet = create()
        await keySet.lookup('ES256', 'k1')
        expect(await kindOf(keySet, kid)).toBe('unknown')
        expect(network.requests).toEqual([URL])
      },
    )
  })

  describe('after a bad signature', () => {
    it('fetches once per cool-down and offers only keys that were not tried', async () => {
      const keySet = create()
      const first = await keySet.lookup('ES256', 'k1')
      const tried = first.kind === 'keys' ? first.candidates : []
      answerWith(keySetOf(k1Again))
      expect(await keySet.lookupAgain('ES256', 'k1', tried)).toEqual([])
      expect(network.requests).toHaveLength(1)
      clock.advance(30)
      expect(await keySet.lookupAgain('ES256', 'k1', tried)).toHaveLength(1)
      expect(await keySet.lookupAgain('ES256', 'k1', tried)).toHaveLength(1)
      expect(network.requests).toHaveLength(2)
    })

    it('offers nothing when the fetch fails', async () => {
      const keySet = create()
      const first = await keySet.lookup('ES256', 'k1')
      network.down = true
      clock.advance(30)
      const tried = first.kind === 'keys' ? first.candidates : []
      expect(await keySet.lookupAgain('ES256', 'k1', tried)).toEqual([])
    })
  })

  describe('while the endpoint is down', () => {
    it('K08 serves known keys for 24 h, backing off to 30 s, and then is unavailable', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      network.down = true
      const kinds = new Set<string>()
      const end = clock.now() + 24 * 60 * 60_000 - 600_000
      clock.advance(600)
      while (clock.now() < end) {
        kinds.add(await kindOf(keySet))
        await settle()
        clock.advance(10)
      }
      expect(kinds).toEqual(new Set(['keys']))
      recordFigure({
        id: 'R5',
        part: 'known-keys',
        values: { 'outage survived (h)': 24, 'wrong answers': 0 },
        isMet: true,
        method: 'Known keys are asked for every 10 s of an outage, on an injected clock.',
      })
      // Five quick retries, then one per 30 s; the first one was the fetch that worked.
      expect(network.requests.length).toBeLessThanOrEqual(24 * 120 + 6)
      expect(network.requests.length).toBeGreaterThan(24 * 100)
      const { generation } = keySet
      clock.advance(700)
      expect(await kindOf(keySet)).toBe('unavailable')
      expect(generation.current).toBe(false)
    }, 60_000)

    it('K08 waits for the first failing refresh only; then stale keys answer at once', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      network.down = true
      clock.advance(600)
      expect(keySet.lookup('ES256', 'k1')).toBeInstanceOf(Promise)
      await settle()
      const delays = [1, 2, 4, 8, 16, 30, 30]
      let attempts = 2
      for (const delay of delays) {
        expect(keySet.reuseUntil()).toBe(clock.now() + delay * 1000)
        clock.advance(delay - 0.001)
        expect(keySet.lookup('ES256', 'k1')).toMatchObject({ kind: 'keys' })
        expect(network.requests).toHaveLength(attempts)
        clock.advance(0.001)
        expect(keySet.lookup('ES256', 'k1')).toMatchObject({ kind: 'keys' })
        await settle()
        attempts += 1
        expect(network.requests).toHaveLength(attempts)
      }
    })

    it('K08 returns to fresh keys with the first retry that works', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      network.down = true
      clock.advance(600)
      await keySet.lookup('ES256', 'k1')
      network.down = false
      clock.advance(1)
      keySet.lookup('ES256', 'k1')
      await settle()
      expect(keySet.reuseUntil()).toBe(clock.now() + 600_000)
    })

    it('drops keys that nobody asked for within 24 h, rather than serve one more token', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      network.down = true
      clock.advance(24 * 60 * 60)
      expect(await kindOf(keySet)).toBe('unavailable')
    })
  })

  describe('with odd key sets', () => {
    it.each([
      ['no keys member', {}, 'not_a_key_set'],
      ['keys that are no list', { keys: {} }, 'not_a_key_set'],
      ['101 keys', { keys: Array.from({ length: 101 }, () => k1.jwk) }, 'too_many_keys'],
    ])('is unavailable for %s and keeps what it holds', async (_name, document, reason) => {
      answerWith(document)
      expect(await create().lookup('ES256', 'k1')).toMatchObject({ kind: 'unavailable', reason })
      answerWith(keySetOf(k1))
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      answerWith(document)
      clock.advance(600)
      expect(await kindOf(keySet)).toBe('keys')
    })

    it('accepts 100 keys', async () => {
      answerWith({ keys: Array.from({ length: 100 }, () => k1.jwk) })
      expect(await kindOf(create())).toBe('keys')
    })

    it('takes an empty set for a withdrawal of every key, but calls no token bad', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      const { generation } = keySet
      answerWith({ keys: [] })
      clock.advance(600)
      expect(await keySet.lookup('ES256', 'k1')).toMatchObject({
        kind: 'unavailable',
        reason: 'no_keys',
      })
      expect(generation.current).toBe(false)
    })

    it('K17 J53 leaves bad keys out, reports each once, and uses the others', async () => {
      const bad = { kty: 'oct', k: 'AAAA', kid: 'secret\n' }
      answerWith({ keys: [bad, { ...k2.jwk, use: 'enc' }, k1.jwk] })
      const keySet = create()
      expect(await kindOf(keySet)).toBe('keys')
      expect(await kindOf(keySet, 'k2')).toBe('unknown')
      clock.advance(600)
      await keySet.lookup('ES256', 'k1')
      expect(network.requests).toHaveLength(2)
      const unusable = incidents.filter(({ kind }) => kind === 'key-unusable')
      expect(unusable.map(({ reason }) => reason)).toEqual(['symmetric_key', 'use_not_sig'])
      expect(unusable[0]?.message).toBe('key "secret\\n" is not used: symmetric_key')
    })

    it('J53 says unknown when every listed key is unusable', async () => {
      answerWith({ keys: [{ ...k1.jwk, use: 'enc' }] })
      expect(await kindOf(create())).toBe('unknown')
    })

    it('K16 offers keys of one kid, and without kid all that fit, at most 4', async () => {
      const others = ['a', 'b', 'c', 'd'].map((kid) => createSigningKey('ES256', kid))
      answerWith(keySetOf(k1, k1Again, ...others, createSigningKey('RS256', 'r')))
      const keySet = create()
      const byKid = await keySet.lookup('ES256', 'k1')
      const withoutKid = await keySet.lookup('ES256', undefined)
      expect(byKid.kind === 'keys' && byKid.candidates).toHaveLength(2)
      expect(withoutKid.kind === 'keys' && withoutKid.candidates).toHaveLength(4)
    })
  })

  describe('with a clock that jumps', () => {
    it('keeps refetching after the clock was set back by years', async () => {
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      clock.advance(-100_000_000)
      keySet.lookup('ES256', 'k1')
      clock.advance(600)
      await keySet.lookup('ES256', 'k1')
      expect(network.requests).toHaveLength(2)
      expect(keySet.reuseUntil()).toBe(clock.now() + 600_000)
    })

    it('keeps retrying a failed fetch after the clock was set back', async () => {
      network.down = true
      const keySet = create()
      await keySet.lookup('ES256', 'k1')
      clock.advance(-3600)
      expect(await keySet.lookup('ES256', 'k1')).toMatchObject({ retryAfterSeconds: 1 })
      network.down = false
      clock.advance(1)
      expect(await kindOf(keySet)).toBe('keys')
    })
  })

  describe('where promises are not shared', () => {
    it('fetches for each cold look-up by itself and shares the result afterwards', async () => {
      const keySet = create(false)
      const kinds = await Promise.all(Array.from({ length: 3 }, () => kindOf(keySet)))
      expect(kinds).toEqual(['keys', 'keys', 'keys'])
      expect(network.requests).toHaveLength(3)
      expect(await kindOf(keySet)).toBe('keys')
      expect(network.requests).toHaveLength(3)
    })

    it('leaves no refresh running in the background', async () => {
      const keySet = create(false)
      await keySet.lookup('ES256', 'k1')
      clock.advance(599)
      expect(keySet.lookup('ES256', 'k1')).toMatchObject({ kind: 'keys' })
      expect(network.requests).toHaveLength(1)
      clock.advance(1)
      expect(await kindOf(keySet)).toBe('keys')
      expect(network.requests).toHaveLength(2)
    })

    it('serves held keys at once while another request refreshes, even one that was cut off', async () => {
      const keySet = create(false)
      await keySet.lookup('ES256', 'k1')
      clock.advance(600)
      network.hold()
      expect(keySet.lookup('ES256', 'k1')).toBeInstanceOf(Promise)
      expect(keySet.lookup('ES256', 'k1')).toMatchObject({ kind: 'keys' })
      expect(keySet.lookup('ES256', 'k2')).toMatchObject({ kind: 'unavailable' })
      expect(network.requests).toHaveLength(2)
      // The request that fetched was cancelled and never comes back: the next one tries again.
      clock.advance(3)
      expect(keySet.lookup('ES256', 'k1')).toBeInstanceOf(Promise)
      expect(network.requests).toHaveLength(3)
    })

    it('K03 lets one of many unknown kids fetch', async () => {
      const keySet = create(false)
      await keySet.lookup('ES256', 'k1')
      clock.advance(30)
      const kinds = await Promise.all(
        Array.from({ length: 20 }, (_, index) => kindOf(keySet, `unknown-${index}`)),
      )
      expect(network.requests).toHaveLength(2)
      expect(kinds.filter((kind) => kind === 'unknown')).toHaveLength(1)
      expect(kinds.filter((kind) => kind === 'unavailable')).toHaveLength(19)
    })
  })

  it('K08 keeps local keys for ever and never calls for them', async () => {
    const keySet = createKeySet({
      load: createKeyLoader({ jwks: keySetOf(k1) }, new Set(['ES256']), network.fetch),
      now: clock.now,
      sharesPromises: true,
      report: () => undefined,
    })
    expect(await kindOf(keySet)).toBe('keys')
    clock.advance(400 * 24 * 60 * 60)
    expect(await kindOf(keySet)).toBe('keys')
    expect(await kindOf(keySet, 'k2')).toBe('unknown')
    expect(network.requests).toEqual([])
  })
})
