import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  digestBearerToken,
  generateBearerToken,
  parseBearerTokens,
} from '../../src/validators/bearer-tokens.js'

const hex = (text: string) => createHash('sha256').update(text).digest('hex')
const digest = `sha256:${hex('one')}`
const other = `sha256:${hex('two')}`

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' })
    return String(error)
  }
  throw new Error('nothing was refused')
}

describe('digestBearerToken()', () => {
  it('is SHA-256 as sha256sum prints it', async () => {
    expect(await digestBearerToken('aZ09-._~+/==')).toBe(`sha256:${hex('aZ09-._~+/==')}`)
  })

  it.each(['', '=', 'a b', ' a', 'a ', 'a\n', '\na', 'a=b', 'ä', '"a"', 42])(
    'T42 refuses %j, which cannot be a Bearer token',
    async (token) => {
      await expect(digestBearerToken(token as string)).rejects.toMatchObject({
        code: 'ERR_CONFIGURATION',
        message: expect.stringMatching(/digestBearerToken.*token.*is empty or holds characters/s),
      })
    },
  )
})

describe('generateBearerToken()', () => {
  it('makes 256 bits in the alphabet of base64url, with their digest', async () => {
    const seen = new Set<string>()
    for (let index = 0; index < 40; index++) {
      const made = await generateBearerToken()
      expect(made.token).toMatch(/^mcp_[A-Za-z0-9_-]{43}$/)
      expect(made.digest).toBe(`sha256:${hex(made.token)}`)
      seen.add(made.token)
    }
    expect(seen.size).toBe(40)
    expect([...seen].join('')).toMatch(/-/)
  })
})

describe('parseBearerTokens()', () => {
  it('reads names, digests and scopes', () => {
    expect(
      parseBearerTokens(`a:${digest}, b:${other}:read+write  admin:all ,a:${other}:x`),
    ).toEqual({
      a: [{ digest }, { digest: other, scopes: ['x'] }],
      b: [{ digest: other, scopes: ['read', 'write', 'admin:all'] }],
    })
  })

  it.each<[string, unknown, RegExp]>([
    ['nothing', '', /\(entry 1\).*is empty(?!;)/],
    ['blanks', '  ', /\(entry 1\).*is empty(?!;)/],
    ['no text', undefined, /\(entry 1\).*is empty(?!;)/],
    ['an empty entry', `a:${digest},`, /\(entry 2\).*is empty; write name:sha256/],
    ['a name with a blank', `a b:${digest}`, /\(entry 1\).*has a name that is not 1 to 40/],
    ['a token in place of its digest', 'a:canary-token', /has no digest.*never write the token/],
    ['another hash', `a:md5:${hex('one')}`, /has no digest/],
    ['a digest that is too short', `a:${digest.slice(0, -1)}`, /has no digest/],
    ['an empty scope', `a:${digest}:`, /has an empty or malformed scope/],
    ['a scope with a quote', `a:${digest}:re"ad`, /has an empty or malformed scope/],
    ['one bad scope of two', `a:${digest}:read+wri"te`, /has an empty or malformed scope/],
  ])('refuses %s, and repeats none of it', (_what, text, message) => {
    const refusal = messageOf(() => parseBearerTokens(text as string))
    expect(refusal).toMatch(message)
    expect(refusal).toContain('parseBearerTokens')
    expect(refusal).not.toContain('canary')
  })
})
