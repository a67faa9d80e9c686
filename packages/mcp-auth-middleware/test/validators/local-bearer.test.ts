import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../src/errors.js'
import { sha256 } from '../../src/runtime.js'
import {
  digestBearerToken,
  generateBearerToken,
  parseBearerTokens,
} from '../../src/validators/bearer-tokens.js'
import { type LocalBearerTokens, localBearer } from '../../src/validators/local-bearer.js'
import { equalDigests, findDigest } from '../../src/validators/token-digest.js'
import type { TokenValidator, Verdict } from '../../src/validators/validator.js'

const RESOURCE = 'https://mcp.test/mcp'
const NOW = Date.UTC(2027, 0, 15)

async function present(
  validator: TokenValidator,
  token: string,
  now = NOW,
): Promise<Verdict | 'not selected'> {
  const digest = await sha256(token)
  if (validator.selects.hasDigest?.(digest) !== true) return 'not selected'
  return validator.validate(token, { resource: RESOURCE, digest, now })
}

function messageOf(build: () => unknown): string {
  try {
    build()
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message
    throw error
  }
  throw new Error('was accepted')
}

/** Passes a value of the wrong type on purpose, as plain JavaScript would. */
function untyped(value: unknown): LocalBearerTokens {
  return value as LocalBearerTokens
}

describe('localBearer()', () => {
  it('accepts a configured token as the service of its name', async () => {
    const { token, digest } = await generateBearerToken()
    const validator = localBearer({
      'claude-code': { digest, scopes: ['coda.read', 'coda.write'] },
    })

    expect(await present(validator, token)).toEqual({
      kind: 'accepted',
      principal: {
        issuer: 'local',
        subject: 'claude-code',
        kind: 'service',
        scopes: ['coda.read', 'coda.write'],
        admittedByName: true,
        claims: {},
      },
    })
  })

  it('never permits reuse of a verdict', async () => {
    const { token, digest } = await generateBearerToken()
    expect(await present(localBearer({ a: { digest } }), token)).not.toHaveProperty('reuse')
  })

  it('names no authorization server, since clients cannot be sent anywhere for such a token', async () => {
    const { digest } = await generateBearerToken()
    expect(localBearer({ a: { digest } }).authorizationServers).toEqual([])
  })

  it('says granted as soon as one entry has scopes, and none before', async () => {
    const { digest } = await generateBearerToken()
    const { digest: other } = await generateBearerToken()
    expect(localBearer({ a: { digest }, b: { digest: other } }).scopeSource).toBe('none')
    expect(localBearer({ a: { digest }, b: { digest: other, scopes: ['x'] } }).scopeSource).toBe(
      'granted',
    )
  })

  it('takes an entry with an e-mail address for that person, who is not admitted by name', async () => {
    const { token, digest } = await generateBearerToken()
    const verdict = await present(localBearer({ ann: { digest, email: 'Ann@Example.com' } }), token)
    expect(verdict).toMatchObject({
      principal: { kind: 'user', email: 'ann@example.com', emailVerified: true },
    })
    expect(verdict).not.toHaveProperty('principal.admittedByName')
  })

  it('accepts both tokens of one name while one replaces the other', async () => {
    const [first, second] = [await generateBearerToken(), await generateBearerToken()]
    const validator = localBearer({
      backup: [{ digest: first.digest }, { digest: second.digest, scopes: ['x'] }],
    })
    expect(await present(validator, first.token)).toMatchObject({ principal: { scopes: [] } })
    expect(await present(validator, second.token)).toMatchObject({ principal: { scopes: ['x'] } })
  })

  it.each([
    ['an ISO date', '2027-01-31', Date.UTC(2027, 0, 31)],
    ['an ISO date-time with an offset', '2027-01-31T18:00:00+02:00', Date.UTC(2027, 0, 31, 16)],
    ['epoch seconds', 1_800_000_000, 1_800_000_000_000],
  ])('refuses a token from the moment given as %s', async (_form, expiresAt, moment) => {
    const { token, digest } = await generateBearerToken()
    const validator = localBearer({ a: { digest, expiresAt } })
    expect(await present(validator, token, moment - 1)).toMatchObject({
      kind: 'accepted',
      principal: { expiresAt: moment / 1000 },
    })
    expect(await present(validator, token, moment)).toEqual({ kind: 'rejected', reason: 'expired' })
  })

  it('rejects a token with an expiry while the clock answers no number', async () => {
    const { token, digest } = await generateBearerToken()
    const validator = localBearer({ a: { digest, expiresAt: NOW / 1000 + 60 } })
    expect(await present(validator, token, NOW)).toMatchObject({ kind: 'accepted' })
    expect(await present(validator, token, Number.NaN)).toEqual({
      kind: 'rejected',
      reason: 'expired',
    })
  })

  it('rejects a credential that it would not have selected', async () => {
    const { digest } = await generateBearerToken()
    const validator = localBearer({ a: { digest } })
    const context = { resource: RESOURCE, digest: await sha256('another'), now: NOW }
    expect(validator.validate('another', context)).toEqual({
      kind: 'rejected',
      reason: 'unknown_token',
    })
  })

  it('T44 does not know the right token in other case, cut, extended or padded', async () => {
    const { token, digest } = await generateBearerToken()
    const validator = localBearer({ a: { digest } })
    expect(await present(validator, token)).toMatchObject({ kind: 'accepted' })
    const neighbours = [
      token.toUpperCase(),
      token.toLowerCase(),
      token.slice(0, -1),
      token.slice(1),
      token.slice(4),
      `${token}A`,
      `${token}=`,
      `A${token}`,
      `${token}\n`,
      digest,
      digest.slice('sha256:'.length),
    ]
    for (const neighbour of neighbours) {
      expect(await present(validator, neighbour), neighbour).toBe('not selected')
    }
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['an empty text', ''],
    ['blanks', '  \t'],
    ['an empty map', {}],
    ['an empty list', []],
    ['an undefined token', { a: undefined }],
    ['an empty token', { a: '' }],
    ['a blank token', { a: '   ' }],
    ['no digest', { a: {} }],
    ['an empty digest', { a: { digest: '' } }],
    ['a blank digest', { a: { digest: ' ' } }],
    ['an undefined digest', { a: { digest: undefined } }],
    ['a digest without its algorithm', { a: { digest: 'ab'.repeat(32) } }],
    ['a digest one digit short', { a: { digest: `sha256:${'a'.repeat(63)}` } }],
    ['a digest one digit long', { a: { digest: `sha256:${'a'.repeat(65)}` } }],
    ['a digest with a line feed', { a: { digest: `sha256:${'a'.repeat(64)}\n` } }],
    ['an empty rotation', { a: [] }],
    ['an empty name', { '': { digest: `sha256:${'a'.repeat(64)}` } }],
    ['a name with a colon', { 'a:b': { digest: `sha256:${'a'.repeat(64)}` } }],
    ['an unknown option', { a: { digest: `sha256:${'a'.repeat(64)}`, scope: 'x' } }],
    ['a scope with a blank', { a: { digest: `sha256:${'a'.repeat(64)}`, scopes: ['x y'] } }],
    ['an empty scope', { a: { digest: `sha256:${'a'.repeat(64)}`, scopes: [''] } }],
    ['milliseconds', { a: { digest: `sha256:${'a'.repeat(64)}`, expiresAt: 1_800_000_000_000 } }],
    ['an impossible date', { a: { digest: `sha256:${'a'.repeat(64)}`, expiresAt: '2027-02-30' } }],
    ['no zone', { a: { digest: `sha256:${'a'.repeat(64)}`, expiresAt: '2027-01-31T18:00:00' } }],
    ['no e-mail address', { a: { digest: `sha256:${'a'.repeat(64)}`, email: 'ann' } }],
  ])('T42 refuses to start with %s', (_what, tokens) => {
    expect(() => localBearer(untyped(tokens))).toThrow(ConfigurationError)
  })

  it.each([
    ['no text', ''],
    ['a lone line feed', '\n'],
  ])('T42 refuses to start with the digest of %s', async (_what, text) => {
    const bytes = new Uint8Array(
      await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)),
    )
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    expect(messageOf(() => localBearer({ a: { digest: `sha256:${hex}` } }))).toContain(
      'digest of no text',
    )
  })

  it('refuses a digest that is listed twice, also in another case and under another name', () => {
    const digest = `sha256:${'ab'.repeat(32)}`
    const upper = `sha256:${'AB'.repeat(32)}`
    expect(messageOf(() => localBearer({ a: { digest }, b: { digest: upper } }))).toContain(
      '["b"].digest: is listed more than once',
    )
    expect(() => localBearer({ a: [{ digest }, { digest }] })).toThrow(ConfigurationError)
  })

  it('does not repeat a token that stands where a digest, a name or a map belongs', async () => {
    const { token } = await generateBearerToken()
    const digest = `sha256:${'ab'.repeat(32)}`
    const builds = [
      () => localBearer({ a: { digest: token } }),
      () => localBearer({ a: [{ digest }, { digest: `sha256:${token}` }] }),
      () => localBearer({ [token]: { digest } }),
      () => localBearer({ [token]: { digest: token } }),
      () => localBearer(untyped({ a: token })),
      () => localBearer(untyped({ a: [token] })),
      () => localBearer(untyped(token)),
      () => localBearer(untyped([token])),
    ]
    for (const build of builds) expect(messageOf(build)).not.toContain(token.slice(4))
  })

  it('reports every bad entry in one error', () => {
    const message = messageOf(() => localBearer({ a: { digest: 'x' }, b: { digest: 'y' } }))
    expect(message).toContain('a.digest')
    expect(message).toContain('b.digest')
  })
})

describe('findDigest()', () => {
  const digests = Array.from({ length: 100 }, (_, index) => String(index).padStart(43, 'x'))
  const sought: [string, string, number][] = [
    ['the first', String(0).padStart(43, 'x'), 0],
    ['one in the middle', String(57).padStart(43, 'x'), 57],
    ['the last', String(99).padStart(43, 'x'), 99],
    ['none', 'y'.repeat(43), -1],
    ['a shorter text', 'y', -1],
    ['nothing', '', -1],
  ]

  it.each(sought)('T45 compares every entry when it finds %s', (_which, digest, position) => {
    let compared = 0
    const found = findDigest(digests, digest, (left, right) => {
      compared += 1
      return equalDigests(left, right)
    })
    expect(found).toBe(position)
    expect(compared).toBe(digests.length)
  })

  it('T45 reports the time taken for the first, the last and no entry', ({ annotate }) => {
    const medians = [sought[0], sought[2], sought[3]].map(([which, digest] = ['', '', 0]) => {
      const samples = Array.from({ length: 2000 }, () => {
        const start = performance.now()
        findDigest(digests, digest)
        return performance.now() - start
      }).sort((left, right) => left - right)
      return [which, samples[1000] ?? Number.NaN] as const
    })
    // Reported only: a bound on a difference of nanoseconds would fail on a busy machine.
    annotate(medians.map(([which, ms]) => `${which}: ${(ms * 1000).toFixed(2)} us`).join(', '))
    for (const [, ms] of medians) expect(ms).toBeLessThan(50)
  })
})

describe('equalDigests()', () => {
  const digest = 'A'.repeat(43)

  it.each([
    ['the same', digest, 1],
    ['another first character', `B${digest.slice(1)}`, 0],
    ['another last character', `${digest.slice(1)}B`, 0],
    ['a shorter one', digest.slice(1), 0],
    ['a longer one', `${digest}A`, 0],
    ['an empty one', '', 0],
  ])('compares with %s', (_which, other, equal) => {
    expect(equalDigests(digest, other)).toBe(equal)
    expect(equalDigests(other, digest)).toBe(equal)
  })
})

describe('generateBearerToken()', () => {
  it('makes a token of 256 random bits and its digest', async () => {
    const [first, second] = [await generateBearerToken(), await generateBearerToken()]
    expect(first.token).toMatch(/^mcp_[A-Za-z0-9_-]{43}$/)
    expect(first.token).not.toBe(second.token)
    expect(first.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(first.digest).toBe(await digestBearerToken(first.token))
  })
})

describe('digestBearerToken()', () => {
  // FIPS 180-2 appendix B.1.
  it('writes the SHA-256 of the text in hexadecimal', async () => {
    expect(await digestBearerToken('abc')).toBe(
      'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  it.each([[''], [' '], ['secret-canary\n'], ['secret-canary x'], ['"secret-canary"']])(
    'refuses %j, which no request can carry, without repeating it',
    async (token) => {
      const error: unknown = await digestBearerToken(token).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(ConfigurationError)
      expect(String(error)).not.toContain('secret-canary')
    },
  )
})

describe('parseBearerTokens()', () => {
  const one = 'ab'.repeat(32)
  const two = 'cd'.repeat(32)

  it('reads names, digests and scopes', () => {
    expect(
      parseBearerTokens(
        ` claude-code:sha256:${one}:coda.read coda.write ,\n backup:sha256:${two}:docs:read+coda.read`,
      ),
    ).toEqual({
      'claude-code': [{ digest: `sha256:${one}`, scopes: ['coda.read', 'coda.write'] }],
      backup: [{ digest: `sha256:${two}`, scopes: ['docs:read', 'coda.read'] }],
    })
  })

  it('takes a name that comes twice as a rotation', () => {
    expect(parseBearerTokens(`a:sha256:${one},a:sha256:${two}`)).toEqual({
      a: [{ digest: `sha256:${one}` }, { digest: `sha256:${two}` }],
    })
  })

  it('returns what localBearer takes', async () => {
    const { token, digest } = await generateBearerToken()
    const validator = localBearer(parseBearerTokens(`constructor:${digest}:coda.read`))
    expect(await present(validator, token)).toMatchObject({
      principal: { subject: 'constructor', scopes: ['coda.read'] },
    })
  })

  it.each([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['an empty entry', `a:sha256:${one},`],
    ['a lone name', 'a'],
    ['a raw token', 'a:secret-canary'],
    ['a lone raw token', 'secret-canary-secret-canary-secret-canary-'],
    ['a raw token behind the algorithm', 'a:sha256:secret-canary'],
    ['no name', `:sha256:${one}`],
    ['another algorithm', `a:sha512:${one}`],
    ['an empty scope list', `a:sha256:${one}:`],
    ['a doubled separator', `a:sha256:${one}:x, y`],
    ['a quoted scope', `a:sha256:${one}:"x"`],
  ])('T42 refuses %s without repeating it', (_what, text) => {
    const message = messageOf(() => parseBearerTokens(text))
    expect(message).toMatch(/\(entry \d\)/)
    expect(message).not.toContain('secret-canary')
  })

  it('T42 refuses an undefined text', () => {
    expect(() => parseBearerTokens(undefined as unknown as string)).toThrow(ConfigurationError)
  })

  it('names every malformed entry by its position', () => {
    const message = messageOf(() => parseBearerTokens(`x,a:sha256:${one},y:z`))
    expect(message).toContain('(entry 1)')
    expect(message).not.toContain('(entry 2)')
    expect(message).toContain('(entry 3)')
  })
})
