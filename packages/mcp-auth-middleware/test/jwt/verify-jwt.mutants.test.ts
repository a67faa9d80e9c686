import { createPublicKey } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { KeyCandidate } from '../../src/jwt/held-keys.js'
import type { KeySet } from '../../src/jwt/key-set.js'
import { type JwtPolicy, verifyJwt } from '../../src/jwt/verify-jwt.js'
import { createSigningKey, type SigningKey, signToken } from './sign.js'

const NOW = 1_800_000_000
const CLAIMS = { iss: 'https://as.test', sub: 'ann', exp: NOW + 60 }

const own = createSigningKey('ES256', 'own')
const foreign = createSigningKey('ES256', 'own')
const keys = new Map<SigningKey, CryptoKey>()

beforeAll(async () => {
  for (const signingKey of [own, foreign]) {
    const { x, y } = createPublicKey(signingKey.privateKey).export({ format: 'jwk' })
    const jwk = { kty: 'EC', crv: 'P-256', ...(x && { x }), ...(y && { y }) }
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    keys.set(signingKey, await crypto.subtle.importKey('jwk', jwk, algorithm, true, ['verify']))
  }
})

function candidate(signingKey: SigningKey, issuer?: string): KeyCandidate {
  const key = keys.get(signingKey)
  if (key === undefined) throw new Error('no key')
  return { key, issuer, identity: `${signingKey === own}` }
}

function keySet(first: readonly KeyCandidate[], again: readonly KeyCandidate[] = []): KeySet {
  return {
    lookup: () => ({ kind: 'keys', candidates: first, reuse: { until: 0, generations: [] } }),
    lookupAgain: async () => again,
    reuseUntil: () => 0,
    generation: { current: true },
  } as unknown as KeySet
}

const policy = (changes: Partial<JwtPolicy> = {}): JwtPolicy => ({
  algorithms: new Set(['ES256']),
  types: new Set(['at+jwt']),
  expectIssuer: () => true,
  audiences: undefined,
  bindingClients: undefined,
  clientIdClaims: ['client_id'],
  requireClaims: [],
  subjectOptional: false,
  tokenKind: () => undefined,
  acceptsKeyIssuer: () => false,
  keySetOf: () => keySet([candidate(own)]),
  clockTolerance: 0,
  maxTokenLifetime: 3600,
  ...changes,
})

/** `verified`, or why not. */
async function verdict(
  changes: Partial<JwtPolicy>,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const token = signToken(own, { ...CLAIMS, ...claims }, header)
  const outcome = await verifyJwt(token, policy(changes), NOW * 1000)
  return outcome.kind === 'rejected' ? outcome.reason : outcome.kind
}

describe('verifyJwt()', () => {
  it.each([
    ['at+jwt', 'verified'],
    ['AT+JWT', 'verified'],
    ['application/at+jwt', 'verified'],
    ['Application/at+jwt', 'verified'],
    ['at+application/jwt', 'typ_not_allowed'],
    ['application/application/at+jwt', 'typ_not_allowed'],
    ['jwt', 'typ_not_allowed'],
  ])('takes the type %s: %s', async (typ, expected) => {
    expect(await verdict({}, {}, { typ })).toBe(expected)
  })

  it.each<[ReadonlySet<string> | undefined, unknown, string]>([
    [undefined, undefined, 'verified'],
    [undefined, 7, 'verified'],
    [new Set(['here']), 'here', 'verified'],
    [new Set(['here']), 'there', 'audience_mismatch'],
    [new Set(['here']), undefined, 'audience_missing'],
    [new Set(['here']), 7, 'audience_invalid'],
  ])('of the audiences %j takes %j: %s', async (audiences, aud, expected) => {
    expect(await verdict({ audiences }, { aud })).toBe(expected)
  })

  it.each<[ReadonlySet<string> | undefined, unknown, string]>([
    [undefined, undefined, 'verified'],
    [undefined, 'anybody', 'verified'],
    [undefined, 7, 'client_id_invalid'],
    [new Set(['app']), 'app', 'verified'],
    [new Set(['app']), 'another', 'client_not_listed'],
    [new Set(['app']), undefined, 'client_not_listed'],
    [new Set(['app']), 7, 'client_id_invalid'],
  ])('of the clients %j takes %j: %s', async (bindingClients, client_id, expected) => {
    expect(await verdict({ bindingClients }, { client_id })).toBe(expected)
  })

  it.each([7, null, undefined, ['https://as.test'], {}])(
    'J28 takes no issuer %j, whatever the policy expects',
    async (iss) => {
      expect(await verdict({}, { iss })).toBe('issuer_mismatch')
    },
  )

  it('takes a key without an issuer for all, and one with an issuer where the policy does', async () => {
    const named = () => keySet([candidate(own, 'https://key.test')])
    expect(await verdict({})).toBe('verified')
    expect(await verdict({ keySetOf: named })).toBe('key_issuer_mismatch')
    expect(await verdict({ keySetOf: named, acceptsKeyIssuer: () => true })).toBe('verified')
    expect(
      await verdict({
        keySetOf: named,
        acceptsKeyIssuer: (keyIssuer, { iss }) =>
          keyIssuer === 'https://key.test' && iss === CLAIMS.iss,
      }),
    ).toBe('verified')
  })

  it('tries a key that came after a bad signature, and only one that the policy admits', async () => {
    const replaced = (issuer?: string) => () =>
      keySet([candidate(foreign)], [candidate(own, issuer)])
    expect(await verdict({ keySetOf: () => keySet([candidate(foreign)]) })).toBe('bad_signature')
    expect(await verdict({ keySetOf: replaced() })).toBe('verified')
    expect(await verdict({ keySetOf: replaced('https://key.test') })).toBe('bad_signature')
    expect(
      await verdict({ keySetOf: replaced('https://key.test'), acceptsKeyIssuer: () => true }),
    ).toBe('verified')
  })
})
