import { describe, expect, it } from 'vitest'
import {
  advanceSigningKeys,
  generateSigningKey,
  publicJwk,
  replaceSigningKeys,
  rotateSigningKeys,
  signingKeyOf,
  signingKeyProblem,
} from '../../src/engine/signing-keys.js'

const policy = { algorithm: 'ES256', longestTokenLife: 3600 } as const
const states = (keys: readonly { state: string }[]) => keys.map(({ state }) => state)

describe('the life of signing keys', () => {
  it('signs with the first key at once', () => {
    expect(states(rotateSigningKeys([], 1000, policy))).toEqual(['active'])
  })

  it('E34 publishes a new key for 300 + 60 + 60 s before it signs', () => {
    const first = rotateSigningKeys([], 1000, policy)
    const rotated = rotateSigningKeys(first, 2000, policy)
    expect(states(rotated)).toEqual(['active', 'pending'])
    expect(states(advanceSigningKeys(rotated, 2419, policy))).toEqual(['active', 'pending'])
    expect(states(advanceSigningKeys(rotated, 2420, policy))).toEqual(['retired', 'active'])
  })

  it('E33 keeps a retired key until its last token has expired', () => {
    const keys = rotateSigningKeys(rotateSigningKeys([], 0, policy), 1000, policy)
    const switched = advanceSigningKeys(keys, 1420, policy)
    const end = 1420 + 3600 + 120
    expect(advanceSigningKeys(switched, end - 1, policy)).toHaveLength(2)
    expect(states(advanceSigningKeys(switched, end, policy))).toEqual(['active'])
  })

  it('does not start a second rotation while one is under way', () => {
    const keys = rotateSigningKeys(rotateSigningKeys([], 0, policy), 1000, policy)
    expect(rotateSigningKeys(keys, 1001, policy)).toEqual(keys)
  })

  it('comes to the same state on every replica, however often it is asked', () => {
    const keys = rotateSigningKeys(rotateSigningKeys([], 0, policy), 1000, policy)
    const once = advanceSigningKeys(keys, 1500, policy)
    expect(advanceSigningKeys(once, 1500, policy)).toEqual(once)
    expect(signingKeyOf(once)?.kid).toBe(keys[1]?.kid)
  })

  it('drops a compromised key now, and takes one that is published already', () => {
    const keys = rotateSigningKeys(rotateSigningKeys([], 0, policy), 1000, policy)
    const [replaced, ...others] = replaceSigningKeys(keys, 1100, policy)
    expect(others).toEqual([])
    expect(replaced).toMatchObject({ kid: keys[1]?.kid, state: 'active' })
    const alone = replaceSigningKeys(keys.slice(0, 1), 1100, policy)
    expect(alone[0]?.kid).not.toBe(keys[0]?.kid)
  })

  it.each(['ES256', 'RS256'] as const)(
    'E33 publishes no private member of an %s key',
    (algorithm) => {
      const jwk = publicJwk(generateSigningKey(algorithm, 0, 0))
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])
        expect(jwk).not.toHaveProperty(name)
      expect(jwk).toMatchObject({ alg: algorithm, use: 'sig' })
    },
  )

  it('E35 names what makes a key unusable', () => {
    const key = generateSigningKey('ES256', 0, 0)
    const { d: _, ...publicPart } = key.jwk
    expect(signingKeyProblem(key)).toBeUndefined()
    expect(signingKeyProblem({ ...key, jwk: publicPart })).toMatch(/private/)
    expect(signingKeyProblem({ ...key, jwk: { kty: 'oct', k: 'x', d: 'x' } })).toMatch(/P-256/)
    const weak = { kty: 'RSA', d: 'x', n: Buffer.alloc(128, 255).toString('base64url') }
    expect(signingKeyProblem({ ...key, algorithm: 'RS256', jwk: weak })).toMatch(/2048/)
  })
})
