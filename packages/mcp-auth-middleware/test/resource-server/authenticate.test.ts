import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import type { AuthEvent } from '../../src/events.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'
import type { Principal } from '../../src/principal.js'
import type { GuardOutcome } from '../../src/resource-server/guard.js'
import { createRevocationList } from '../../src/resource-server/revocation.js'
import type { TokenValidator, Verdict } from '../../src/validators/validator.js'
import { jwtWith, principalOf, validatorOf, viewOf } from './fakes.js'

const NOW = 1_800_000_000_000
const RESOURCE = 'https://mcp.test/mcp'
const CANARY = 'canary-token-4711'

function start(validator: TokenValidator, options: Partial<McpAuthOptions> = {}) {
  const events: AuthEvent[] = []
  const auth = createMcpAuth({
    resource: RESOURCE,
    validators: [validator],
    onEvent: (event) => events.push(event),
    now: () => NOW,
    ...options,
  })
  const ask = async (headers: Record<string, string> = { authorization: `Bearer ${CANARY}` }) => {
    const outcome = await auth.handle(viewOf(headers))
    if (outcome.kind === 'pass') throw new Error('the path is public')
    return outcome
  }
  return { auth, ask, events }
}

const statusOf = (outcome: GuardOutcome): number =>
  outcome.kind === 'response' ? outcome.status : 200

/** What a validator that nobody type-checked may do. */
const broken = (verdict: unknown): TokenValidator => validatorOf(verdict as Verdict)

describe('a validator that breaks its contract', () => {
  it.each<[string, TokenValidator, string]>([
    [
      'throws',
      validatorOf(() => {
        throw new Error(`cannot read ${CANARY}`)
      }),
      'validator_threw',
    ],
    [
      'rejects',
      validatorOf(() => Promise.reject(new Error(`cannot read ${CANARY}`))),
      'validator_threw',
    ],
    ['returns nothing', broken(() => undefined), 'validator_threw'],
    ['resolves nothing', broken(() => Promise.resolve(undefined)), 'validator_threw'],
    ['returns true', broken(true), 'verdict_invalid'],
    ['returns a kind that does not exist', broken({ kind: 'ok' }), 'verdict_invalid'],
    [
      'resolves a kind that does not exist',
      broken(async () => ({ kind: 'ok' })),
      'verdict_invalid',
    ],
    ['accepts without a principal', broken({ kind: 'accepted' }), 'principal_invalid'],
    [
      'accepts a principal without a subject',
      broken({ kind: 'accepted', principal: { ...principalOf(), subject: '' } }),
      'principal_invalid',
    ],
    [
      'resolves a principal whose scopes are a text',
      broken(async () => ({
        kind: 'accepted',
        principal: { ...principalOf(), scopes: 'read write' },
      })),
      'principal_invalid',
    ],
    [
      'throws while it is asked about a digest',
      validatorOf(undefined, {
        selects: {
          hasDigest: () => {
            throw new Error('x')
          },
        },
      }),
      'validator_threw',
    ],
    [
      'throws in its recheck',
      {
        ...validatorOf(),
        recheck: () => {
          throw new Error('x')
        },
      },
      'validator_threw',
    ],
  ])('that %s is answered 500 with an event, never 401', async (_, validator, reason) => {
    const { ask, events } = start(validator)
    const outcome = await ask()
    expect(outcome).toMatchObject({ status: 500, body: '{"error":"server_error"}' })
    expect(outcome).not.toHaveProperty('headers.www-authenticate')
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ outcome: 'server_error', reason, status: 500 })
    expect(JSON.stringify([outcome, events])).not.toContain(CANARY)
  })

  it('a recheck that throws on a cached verdict is answered 500 with an event', async () => {
    let fails = false
    const reuse = { until: NOW + 60_000 }
    const { ask, events } = start({
      ...validatorOf({ kind: 'accepted', principal: principalOf(), reuse }),
      recheck: () => {
        if (fails) throw new Error('x')
        return undefined
      },
    })
    expect((await ask()).kind).toBe('accepted')
    fails = true
    expect(await ask()).toMatchObject({ status: 500 })
    expect(events.at(-1)).toMatchObject({ outcome: 'server_error', validator: 'fake' })
  })

  it('a revocation source that throws is answered 500 with an event', async () => {
    const { ask, events } = start(validatorOf(), {
      revocation: {
        check: () => {
          throw new Error('x')
        },
      },
    })
    expect(await ask()).toMatchObject({ status: 500 })
    expect(events).toHaveLength(1)
  })

  it('a listener that throws changes nothing', async () => {
    const { ask } = start(validatorOf(), {
      onEvent: () => {
        throw new Error('x')
      },
    })
    expect((await ask()).kind).toBe('accepted')
  })
})

describe('an unavailable validator', () => {
  it.each([
    [-5, '1'],
    [0, '1'],
    [0.2, '1'],
    [7, '7'],
    [59.1, '60'],
    [3600, '60'],
    [Number.POSITIVE_INFINITY, '60'],
    [Number.NaN, '1'],
    ['soon' as never, '1'],
  ])('that asks for %s seconds is answered 503 with Retry-After %s', async (seconds, header) => {
    const { ask, events } = start(validatorOf({ kind: 'unavailable', retryAfterSeconds: seconds }))
    const outcome = await ask()
    expect(outcome).toMatchObject({
      status: 503,
      body: '{"error":"temporarily_unavailable"}',
      headers: { 'retry-after': header, 'cache-control': 'no-store' },
    })
    expect(outcome).not.toHaveProperty('headers.www-authenticate')
    expect(events[0]).toMatchObject({ outcome: 'unavailable', reason: 'validator_unavailable' })
  })
})

describe('the verdict of a validator', () => {
  it('is a challenge with an error when it is rejected, without the reason', async () => {
    const { ask, events } = start(validatorOf({ kind: 'rejected', reason: 'signature_invalid' }))
    const outcome = await ask()
    expect(outcome).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringContaining('error="invalid_token"') },
    })
    expect(JSON.stringify(outcome)).not.toContain('signature')
    expect(events[0]).toMatchObject({ reason: 'signature_invalid', validator: 'fake' })
  })

  it('is 403 without a challenge when it is forbidden', async () => {
    const { ask } = start(validatorOf({ kind: 'forbidden', reason: 'wrong_tenant' }))
    const outcome = await ask()
    expect(outcome).toMatchObject({ status: 403, body: expect.stringContaining('access_denied') })
    expect(outcome).not.toHaveProperty('headers.www-authenticate')
  })

  it('counts for the resource that the credential is bound to, and no other', async () => {
    const bound = (resource: string): TokenValidator =>
      validatorOf({ kind: 'accepted', principal: principalOf(), resource })
    expect((await start(bound(RESOURCE)).ask()).kind).toBe('accepted')
    const { ask, events } = start(bound('https://mcp.test/mcp2'))
    expect(statusOf(await ask())).toBe(401)
    expect(events[0]).toMatchObject({ reason: 'audience_mismatch' })
  })

  it('is asked for again when it may not be reused, and only then', async () => {
    let calls = 0
    const counting = (reuse: { until: number } | undefined) => {
      calls = 0
      return start(
        validatorOf(() => {
          calls += 1
          return { kind: 'accepted', principal: principalOf(), reuse }
        }),
      )
    }
    const single = counting(undefined)
    await single.ask()
    await single.ask()
    expect(calls).toBe(2)
    const reused = counting({ until: NOW + 60_000 })
    await reused.ask()
    await reused.ask()
    expect(calls).toBe(1)
    expect(reused.events.map((event) => Reflect.get(event, 'cached'))).toEqual([false, true])
  })

  it('is never reused when it is a refusal', async () => {
    let calls = 0
    const { ask } = start(
      validatorOf(() => {
        calls += 1
        return calls === 1
          ? { kind: 'rejected', reason: 'x' }
          : { kind: 'accepted', principal: principalOf() }
      }),
    )
    expect(statusOf(await ask())).toBe(401)
    expect((await ask()).kind).toBe('accepted')
  })
})

describe('which credential is judged', () => {
  it.each([
    ['T19 is over 8192 characters long', 'x'.repeat(8193), 'credential_too_long'],
    ['T21 is dots only', '.'.repeat(8192), 'issuer_unknown'],
    ['is of an issuer that nobody named', jwtWith({ iss: 'https://evil.test' }), 'issuer_unknown'],
    [
      'J28 is of an issuer with a slash more',
      jwtWith({ iss: 'https://as.test/' }),
      'issuer_unknown',
    ],
  ])('a token that %s reaches no validator', async (_, token, reason) => {
    let calls = 0
    const { ask, events } = start(
      validatorOf(
        () => {
          calls += 1
          return { kind: 'accepted', principal: principalOf() }
        },
        { selects: { issuers: ['https://as.test'] } },
      ),
    )
    expect(statusOf(await ask({ authorization: `Bearer ${token}` }))).toBe(401)
    expect(calls).toBe(0)
    expect(events[0]).toMatchObject({ reason })
  })

  const headerOf = (wins: boolean, cookie?: string): TokenValidator =>
    validatorOf(
      {
        kind: 'accepted',
        principal: principalOf({ subject: 'edge' }),
        reuse: { until: NOW + 9_000 },
      },
      { name: 'edge', selects: { header: { name: 'x-edge', wins, cookie } } },
    )
  const bearer = validatorOf(
    {
      kind: 'accepted',
      principal: principalOf({ subject: 'bearer' }),
      reuse: { until: NOW + 9_000 },
    },
    { name: 'bearer', selects: { opaque: true } },
  )
  const subjectOf = (outcome: GuardOutcome): string | number =>
    outcome.kind === 'accepted' ? outcome.principal.subject : outcome.status

  it.each([
    ['its own header', { 'x-edge': 'a' }, 'edge'],
    ['a Bearer token', { authorization: 'Bearer a' }, 'bearer'],
    ['T40 both, where neither wins', { 'x-edge': 'a', authorization: 'Bearer a' }, 400],
    ['an empty header', { 'x-edge': '' }, 401],
    ['a cookie that nobody reads', { cookie: 'edge=a' }, 401],
  ])('takes %s', async (_, headers, expected) => {
    const { ask } = start(bearer, { validators: [bearer, headerOf(false)] })
    expect(subjectOf(await ask(headers))).toBe(expected)
  })

  it('T40 takes the header alone where it wins', async () => {
    const { ask } = start(bearer, { validators: [bearer, headerOf(true, 'edge')] })
    expect(subjectOf(await ask({ 'x-edge': 'a', authorization: 'Bearer a' }))).toBe('edge')
    expect(subjectOf(await ask({ cookie: 'edge=a' }))).toBe('edge')
    expect(subjectOf(await ask({ cookie: 'edge=a; edge=b' }))).toBe(401)
  })

  it('never takes a cached header credential for the same text as a Bearer token', async () => {
    const { ask } = start(bearer, { validators: [bearer, headerOf(false)] })
    expect(subjectOf(await ask({ 'x-edge': 'same' }))).toBe('edge')
    expect(subjectOf(await ask({ authorization: 'Bearer same' }))).toBe('bearer')
    expect(subjectOf(await ask({ 'x-edge': 'same' }))).toBe('edge')
  })
})

describe('after the validator', () => {
  const accepted = (members: Partial<Principal>, reuse?: { until: number }) =>
    validatorOf({ kind: 'accepted', principal: principalOf(members), reuse })

  it.each([
    ['verified', true, 200],
    ['not verified', false, 403],
    ['of unknown verification', undefined, 403],
  ])('J56 an allowed address that is %s is answered %s', async (_, emailVerified, status) => {
    const validator = accepted({ email: 'ann@corp.test', emailVerified })
    const { ask, events } = start(validator, { allow: { emails: ['ann@corp.test'] } })
    const outcome = await ask()
    expect(statusOf(outcome)).toBe(status)
    expect(outcome).not.toHaveProperty('headers.www-authenticate')
    if (status === 403) expect(events[0]).toMatchObject({ reason: 'not_on_allow_list' })
  })

  it('keeps a refused caller out on the next request too', async () => {
    const validator = accepted(
      { email: 'bob@corp.test', emailVerified: true },
      { until: NOW + 9e4 },
    )
    const { ask } = start(validator, { allow: { emails: ['ann@corp.test'] } })
    expect(statusOf(await ask())).toBe(403)
    expect(statusOf(await ask())).toBe(403)
  })

  it.each([
    ['J58 the token', { tokenId: 'j1' }],
    ['J60 the grant', { grantId: 'g1' }],
  ])('refuses a cached verdict at once when %s is revoked', async (_, members) => {
    const revocation = createRevocationList({ now: () => NOW })
    const { ask, events, auth } = start(accepted(members, { until: NOW + 60_000 }), { revocation })
    const first = await ask()
    expect(first.kind).toBe('accepted')
    revocation.revokeToken('https://as.test', 'j1', NOW / 1000 + 60)
    revocation.revokeGrant('https://as.test', 'g1', NOW / 1000 + 60)
    expect(statusOf(await ask())).toBe(401)
    expect(events.at(-1)).toMatchObject({ outcome: 'invalid_token', reason: 'revoked' })
    if (first.kind === 'accepted') expect(auth.isActive(first.principal)).toBe(false)
  })

  it('answers 503 when the revocations are too old to tell', async () => {
    const revocation = { check: () => 'unavailable' as const }
    const { ask } = start(accepted({}, { until: NOW + 60_000 }), { revocation })
    expect(await ask()).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  })

  it.each<[Verdict | undefined, number]>([
    [undefined, 200],
    [{ kind: 'rejected', reason: 'grant_ended' }, 401],
    [{ kind: 'forbidden', reason: 'user_suspended' }, 403],
    [{ kind: 'unavailable', retryAfterSeconds: 3 }, 503],
  ])(
    'lets the recheck %j of the validator decide, on a cached verdict too',
    async (verdict, status) => {
      const { ask } = start({
        ...accepted({}, { until: NOW + 60_000 }),
        recheck: () => verdict,
      })
      expect(statusOf(await ask())).toBe(status)
      expect(statusOf(await ask())).toBe(status)
    },
  )
})
