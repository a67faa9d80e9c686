import { describe, expect, it } from 'vitest'
import type { VerifiedToken, VerifiedTokenCache } from '../../src/jwt/verified-token-cache.js'
import type { Principal } from '../../src/principal.js'
import {
  type AuthenticationParts,
  createAuthenticate,
  presentsHeaderOf,
} from '../../src/resource-server/authenticate.js'
import type { BearerCredential } from '../../src/resource-server/bearer-token.js'
import type { ProofOfPossession } from '../../src/resource-server/proof-of-possession.js'
import type { ProtectedResource } from '../../src/resource-server/protected-resource.js'
import type { RevocationSource } from '../../src/resource-server/revocation.js'
import type { TokenValidator, Verdict } from '../../src/validators/validator.js'
import { principalOf, validatorOf, viewOf } from './fakes.js'

const NOW = 1_800_000_000_000
const REUSE = { until: NOW + 60_000 }
const accepted = (members: Partial<Principal> = {}, reuse: typeof REUSE | undefined = REUSE) =>
  ({ kind: 'accepted', principal: principalOf(members), ...(reuse && { reuse }) }) as Verdict

interface Asked {
  readonly credential: string
  readonly facts: unknown
}

/** Authentication over parts that a test can look into. */
function start(parts: Partial<AuthenticationParts>, hasCache = true) {
  const kept = new Map<string, VerifiedToken>()
  const cache: VerifiedTokenCache = {
    get: (key) => kept.get(key),
    set: (key, token) => kept.set(key, token),
    get size() {
      return kept.size
    },
  }
  const resource = {
    id: 'https://mcp.test/mcp',
    readScopes: (scopes: readonly string[]) => ({ scopes, expanded: new Set(scopes) }),
    ...(hasCache && { cache }),
  } as unknown as ProtectedResource
  const authenticate = createAuthenticate({
    validators: [],
    select: () => undefined,
    allows: undefined,
    revocation: undefined,
    ...parts,
  })
  const ask = (headers: Record<string, string>, raw?: string[]) =>
    Promise.resolve(authenticate(viewOf(headers, raw && { raw }), resource, NOW))
  return { ask, kept, resource }
}

const edge = (
  header: { wins?: boolean; cookie?: string; name?: string } = {},
  verdict: Verdict = accepted({ subject: 'edge' }),
): TokenValidator =>
  validatorOf(verdict, {
    name: 'edge',
    selects: { header: { name: 'x-edge', wins: false, ...header } },
  })

/** Takes "Authorization: DPoP", and judges the proof as told. */
function proofs(verdict?: Exclude<Verdict, { kind: 'accepted' }>) {
  const asked: Asked[] = []
  const dpop: ProofOfPossession = {
    read({ headers }): BearerCredential {
      const value = String(headers.authorization ?? '')
      if (value === 'DPoP') return { kind: 'malformed', status: 401, reason: 'dpop_malformed' }
      return value.startsWith('DPoP ')
        ? { kind: 'present', token: value.slice(5) }
        : { kind: 'absent' }
    },
    verify: async (_view, facts) => {
      asked.push({ credential: facts.credential, facts })
      return verdict
    },
    offer: (response) => response,
  }
  return { dpop, asked }
}

describe('presentsHeaderOf()', () => {
  it.each<[string, TokenValidator, Record<string, string>, boolean]>([
    ['its header', edge(), { 'x-edge': 'a' }, true],
    ['an empty one', edge(), { 'x-edge': '' }, true],
    ['another header', edge(), { 'x-other': 'a' }, false],
    ['no header of its own', validatorOf(), { undefined: 'a', 'x-edge': 'a' }, false],
  ])('says of a request with %s: %4$s', (_what, validator, headers, presents) => {
    expect(presentsHeaderOf(viewOf(headers), validator)).toBe(presents)
  })
})

describe('own headers', () => {
  it('T40 are refused when they are repeated', async () => {
    const { ask } = start({ validators: [edge()] })
    const raw = ['X-Edge', 'a', 'x-edge', 'b']
    expect(await ask({ 'x-edge': 'a, b' }, raw)).toEqual({
      kind: 'malformed',
      status: 400,
      reason: 'credential_repeated',
    })
    expect(await ask({ 'x-edge': 'a' }, raw.slice(2))).toMatchObject({ kind: 'authenticated' })
  })

  it('T40 of two validators are two methods, also beside those without a header', async () => {
    const second = edge({ name: 'x-second' }, accepted({ subject: 'second' }))
    const { ask } = start({ validators: [validatorOf(), edge({ wins: true }), second] })
    const refused = { kind: 'malformed', status: 400, reason: 'two_methods' }
    expect(await ask({ 'x-edge': 'a', 'x-second': 'b' })).toEqual(refused)
    expect(await ask({ 'x-second': 'b', authorization: 'Bearer c' })).toEqual(refused)
    expect(await ask({ 'x-second': 'b' })).toMatchObject({
      kind: 'authenticated',
      token: { principal: { subject: 'second' } },
    })
  })

  it('reads a cookie only where one is named', async () => {
    const { ask } = start({ validators: [edge()] })
    expect(await ask({ cookie: 'undefined=a; edge=a' })).toEqual({ kind: 'unauthenticated' })
  })

  it('holds what its validator defines, and a Bearer token what RFC 6750 allows', async () => {
    const { ask } = start({ validators: [edge()], select: () => validatorOf() })
    expect(await ask({ 'x-edge': 'a "b"' })).toMatchObject({ kind: 'authenticated' })
    expect(await ask({ authorization: 'Bearer a"b"' })).toMatchObject({ kind: 'malformed' })
    expect(await ask({ 'x-edge': 'a"'.repeat(4097) })).toEqual({
      kind: 'rejected',
      reason: 'credential_too_long',
    })
    expect(await ask({ 'x-edge': 'a"'.repeat(4096) })).toMatchObject({ kind: 'authenticated' })
  })

  it('is kept under its name, apart from the same text as a Bearer token', async () => {
    const { ask, kept } = start({ validators: [edge()], select: () => validatorOf(accepted()) })
    await ask({ 'x-edge': 'same' })
    await ask({ authorization: 'Bearer same' })
    const [own = '', bearer = ''] = kept.keys()
    expect(own).toBe(`x-edge:${bearer}`)
    expect(bearer).toMatch(/^[\w-]{43}$/)
  })
})

describe('a token that is bound to a key', () => {
  const bound = (verdict?: Exclude<Verdict, { kind: 'accepted' }>, seen: unknown[] = []) => {
    const { dpop, asked } = proofs(verdict)
    const validator: TokenValidator = {
      ...validatorOf(),
      validate(credential, facts) {
        seen.push({ credential, ...facts })
        return accepted()
      },
    }
    return { ...start({ dpop, validators: [validator], select: () => validator }), asked, seen }
  }

  it('is judged by its validator and then by its proof, which is told everything', async () => {
    const { ask, asked, seen, kept, resource } = bound()
    const facts = { authorization: 'DPoP token' }
    expect(await ask(facts)).toMatchObject({ kind: 'authenticated', cached: false })
    expect(await ask(facts)).toMatchObject({ kind: 'authenticated', cached: true })
    const digest = [...kept.keys()].join().replace('dpop:', '')
    expect([...kept.keys()]).toEqual([`dpop:${digest}`])
    expect(seen).toEqual([
      { credential: 'token', resource: resource.id, digest, now: NOW, isProven: true },
    ])
    const principal = expect.objectContaining({ subject: 'ann' })
    const told = { credential: 'token', principal, resource, now: NOW }
    expect(asked.map((each) => each.facts)).toEqual([told, told])
  })

  it('is a Bearer token without a proof, which nobody asks for', async () => {
    const { ask, asked, seen, kept } = bound({ kind: 'rejected', reason: 'proof_invalid' })
    expect(await ask({ authorization: 'Bearer token' })).toMatchObject({ kind: 'authenticated' })
    expect(asked).toEqual([])
    expect(seen).toMatchObject([{ isProven: false }])
    expect([...kept.keys()].join()).toMatch(/^[\w-]{43}$/)
  })

  it.each<[Exclude<Verdict, { kind: 'accepted' }>, Record<string, unknown>]>([
    [
      { kind: 'rejected', reason: 'proof_invalid' },
      { kind: 'rejected', reason: 'proof_invalid' },
    ],
    [
      { kind: 'unavailable', retryAfterSeconds: 3 },
      { kind: 'unavailable', retryAfterSeconds: 3, reason: 'validator_unavailable' },
    ],
  ])('T28 is refused with the proof: %j', async (verdict, expected) => {
    const { ask } = bound(verdict)
    expect(await ask({ authorization: 'DPoP token' })).toMatchObject(expected)
  })

  it('is refused with its validator, whatever the proof is worth', async () => {
    const { dpop, asked } = proofs()
    const validator = validatorOf({ kind: 'rejected', reason: 'expired' })
    const { ask } = start({ dpop, select: () => validator })
    expect(await ask({ authorization: 'DPoP token' })).toMatchObject({
      kind: 'rejected',
      reason: 'expired',
    })
    expect(asked).toEqual([])
  })

  it('is malformed as its reader says, and absent where there is none', async () => {
    const { ask } = bound()
    expect(await ask({ authorization: 'DPoP' })).toMatchObject({ reason: 'dpop_malformed' })
    expect(await ask({})).toEqual({ kind: 'unauthenticated' })
  })
})

describe('a verdict that is used again', () => {
  const sourceOf = (answer: unknown): RevocationSource => ({ check: () => answer }) as never

  it.each([
    ['revoked', { kind: 'rejected', reason: 'revoked' }],
    [
      'unavailable',
      { kind: 'unavailable', retryAfterSeconds: 5, reason: 'revocations_unavailable' },
    ],
    [Promise.resolve('active'), { kind: 'failed', reason: 'revocation_invalid' }],
    [undefined, { kind: 'failed', reason: 'revocation_invalid' }],
  ])('is asked of the revocation source: %j', async (answer, expected) => {
    const validator = validatorOf(accepted())
    const { ask } = start({ revocation: sourceOf(answer), select: () => validator })
    const outcome = await ask({ authorization: 'Bearer a' })
    expect(outcome).toMatchObject({ ...expected, validator })
  })

  it('is rechecked by its validator, for which "accepted" changes nothing', async () => {
    const told: unknown[] = []
    const validator: TokenValidator = { ...validatorOf(accepted()), recheck: () => accepted() }
    const { ask } = start({
      select: () => validator,
      onVerified: (principal, by) => told.push([principal.subject, by]),
    })
    expect(await ask({ authorization: 'Bearer a' })).toMatchObject({ kind: 'authenticated' })
    expect(await ask({ authorization: 'Bearer a' })).toMatchObject({ cached: true })
    expect(told).toEqual([['ann', validator]])
  })

  it('is told to nobody where no validator rechecks, and nobody need listen', async () => {
    const told: unknown[] = []
    const plain = start({
      select: () => validatorOf(accepted()),
      onVerified: (principal) => told.push(principal),
    })
    expect(await plain.ask({ authorization: 'Bearer a' })).toMatchObject({ cached: false })
    expect(told).toEqual([])
    const unheard = start({
      select: () => ({ ...validatorOf(accepted()), recheck: () => undefined }),
    })
    expect(await unheard.ask({ authorization: 'Bearer a' })).toMatchObject({ cached: false })
  })

  it('works without a cache', async () => {
    const { ask, kept } = start({ select: () => validatorOf(accepted()) }, false)
    for (const _ of [1, 2]) {
      expect(await ask({ authorization: 'Bearer a' })).toMatchObject({ cached: false })
    }
    expect(kept.size).toBe(0)
  })
})
