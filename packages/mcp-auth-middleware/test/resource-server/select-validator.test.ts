import { describe, expect, it } from 'vitest'
import {
  checkValidatorSelectors,
  createValidatorSelection,
} from '../../src/resource-server/select-validator.js'
import { jwtWith, namedValidator } from './fakes.js'

const A = 'https://a.test'
const B = 'https://b.test'

describe('checkValidatorSelectors()', () => {
  it.each([
    ['the same issuer', { issuers: [A] }, { issuers: [B, A] }],
    ['the same prefix', { prefixes: ['x_'] }, { prefixes: ['x_'] }],
    ['any opaque token', { opaque: true }, { opaque: true }],
    [
      'the same header',
      { header: { name: 'cf-access-jwt-assertion', wins: true } },
      { header: { name: 'cf-access-jwt-assertion', wins: false } },
    ],
  ])('refuses two validators for %s', (_, first, second) => {
    const problems = checkValidatorSelectors([
      namedValidator('first', first),
      namedValidator('second', second),
    ])
    expect(problems.map(({ path }) => path)).toEqual(['validators[1]'])
    expect(problems[0]?.message).toContain('validators[0]')
  })

  it.each([
    ['different issuers', { issuers: [A] }, { issuers: [B] }],
    ['issuers that differ by a slash', { issuers: [A] }, { issuers: [`${A}/`] }],
    ['one prefix that continues another', { prefixes: ['x_'] }, { prefixes: ['x_y_'] }],
    ['a prefix and opaque', { prefixes: ['x_'] }, { opaque: true }],
    ['two with digests', { hasDigest: () => false }, { hasDigest: () => false }],
  ])('accepts two validators for %s', (_, first, second) => {
    const pair = [namedValidator('first', first), namedValidator('second', second)]
    expect(checkValidatorSelectors(pair)).toEqual([])
  })

  it('accepts an issuer that one validator lists twice', () => {
    expect(checkValidatorSelectors([namedValidator('one', { issuers: [A, A] })])).toEqual([])
  })

  it('refuses an empty prefix, which would take every token', () => {
    const problems = checkValidatorSelectors([namedValidator('all', { prefixes: [''] })])
    expect(problems.map(({ path }) => path)).toEqual(['validators[0].prefixes'])
  })

  it.each(['X-Edge', 'authorization', 'cookie', '', 'x edge'])(
    'refuses the own header %j, which could never be found or is not its own',
    (name) => {
      const validator = namedValidator('edge', { header: { name, wins: false } })
      const problems = checkValidatorSelectors([validator])
      expect(problems.map(({ path }) => path)).toEqual(['validators[0].selects.header.name'])
    },
  )

  it('refuses a validator that selects nothing, which nobody would ever reach', () => {
    const problems = checkValidatorSelectors([namedValidator('none', {})])
    expect(problems.map(({ path }) => path)).toEqual(['validators[0].selects'])
  })
})

describe('createValidatorSelection()', () => {
  const select = createValidatorSelection([
    namedValidator('short', { prefixes: ['oat_'] }),
    namedValidator('opaque', { opaque: true }),
    namedValidator('a', { issuers: [A] }),
    namedValidator('long', { prefixes: ['oat_long_'] }),
    namedValidator('template', { matchesIssuer: (issuer) => issuer.startsWith('https://t.test/') }),
    namedValidator('digest', { hasDigest: (digest) => digest === 'listed' }),
  ])
  const chosen = (token: string, digest = 'other') => select(token, digest)?.name

  it.each([
    ['a prefix', 'oat_1', 'short'],
    ['the longest of two prefixes', 'oat_long_1', 'long'],
    ['one character less than a prefix', 'oat', 'opaque'],
    ['a prefix in another case', 'OAT_1', 'opaque'],
    ['no JWT', 'anything', 'opaque'],
    ['a JWT without an issuer', jwtWith({ sub: 'x' }), 'opaque'],
    ['a JWT whose issuer is no text', jwtWith({ iss: [A] }), 'opaque'],
    ['the issuer of a validator', jwtWith({ iss: A }), 'a'],
    ['the issuer of a template', jwtWith({ iss: 'https://t.test/x' }), 'template'],
    ['J28 an issuer with a slash more', jwtWith({ iss: `${A}/` }), undefined],
    ['J28 an issuer in another case', jwtWith({ iss: 'https://A.test' }), undefined],
    ['a JWT of a stranger', jwtWith({ iss: B }), undefined],
  ])('gives %s to its validator only', (_, token, name) => {
    expect(chosen(token)).toBe(name)
  })

  it.each([
    ['an issuer', jwtWith({ iss: A })],
    ['a prefix', 'oat_1'],
    ['nothing', 'anything'],
  ])('looks at digests before %s', (_, token) => {
    expect(chosen(token, 'listed')).toBe('digest')
  })

  it('looks at prefixes before issuers', () => {
    const [header, payload] = jwtWith({ iss: A }).split('.')
    const token = `${header}.${payload}.sig`
    const both = createValidatorSelection([
      namedValidator('issuer', { issuers: [A] }),
      namedValidator('prefix', { prefixes: [token.slice(0, 4)] }),
    ])
    expect(both(token, '')?.name).toBe('prefix')
  })

  it('asks an exact issuer before a template that would match too', () => {
    const both = createValidatorSelection([
      namedValidator('template', { matchesIssuer: () => true }),
      namedValidator('exact', { issuers: [A] }),
    ])
    expect(both(jwtWith({ iss: A }), '')?.name).toBe('exact')
    expect(both(jwtWith({ iss: B }), '')?.name).toBe('template')
  })

  it('gives every token to the opaque validator when there is no other', () => {
    const only = createValidatorSelection([namedValidator('opaque', { opaque: true })])
    expect(only(jwtWith({ iss: A }), '')?.name).toBe('opaque')
  })

  it('gives a token to nobody when none fits', () => {
    const only = createValidatorSelection([namedValidator('a', { issuers: [A] })])
    expect(only('opaque-token', '')).toBeUndefined()
  })
})
