import { describe, expect, it } from 'vitest'
import {
  checkValidatorSelectors,
  createValidatorSelection,
} from '../../src/resource-server/select-validator.js'
import { jwtWith, namedValidator } from './fakes.js'

const problemsOf = (...selects: Parameters<typeof namedValidator>[1][]) =>
  checkValidatorSelectors(selects.map((each, index) => namedValidator(`${index}`, each)))

describe('checkValidatorSelectors()', () => {
  const header = { name: 'x-edge', wins: false }
  it.each([
    [
      { issuers: ['https://a.test'] },
      'takes the same issuer "https://a.test" as validators[0]; an issuer has one validator',
    ],
    [{ prefixes: ['x_'] }, 'takes the same prefix "x_" as validators[0]; give each its own prefix'],
    [{ header }, 'takes the same header "x-edge" as validators[0]; a header has one validator'],
    [
      { opaque: true },
      'takes the same kind of token: "opaque" as validators[0]; give each its own prefixes',
    ],
  ])('says who has %j already, and what to do', (selects, message) => {
    expect(problemsOf(selects, selects)).toEqual([{ path: 'validators[1]', message }])
  })

  it('tells an issuer, a prefix and a header of one name apart', () => {
    const name = 'opaque'
    expect(
      problemsOf(
        { issuers: [name] },
        { prefixes: [name] },
        { header: { name, wins: false } },
        { opaque: true },
      ),
    ).toEqual([])
  })

  it('says what is wrong with one validator', () => {
    expect(problemsOf({ prefixes: [''] })).toEqual([
      { path: 'validators[0].prefixes', message: 'must not be empty' },
    ])
    expect(problemsOf({ header: { name: 'Cookie', wins: false } })).toEqual([
      {
        path: 'validators[0].selects.header.name',
        message: 'must be a header name in lower case, other than authorization and cookie',
      },
    ])
    expect(problemsOf({})).toEqual([
      {
        path: 'validators[0].selects',
        message: 'selects no credential; name a header, issuers, prefixes, digests or opaque',
      },
    ])
  })

  it.each(['authorization-edge', 'cookie2', 'x-cookie', 'a'.repeat(64)])(
    'takes the header %s',
    (name) => {
      expect(problemsOf({ header: { name, wins: false } })).toEqual([])
    },
  )

  it.each(['a'.repeat(65), 'authorization', 'cookie', 'x_edge', ' x-edge', 'x-edge\n'])(
    'does not take the header %j',
    (name) => {
      expect(problemsOf({ header: { name, wins: false } })).toHaveLength(1)
    },
  )

  it.each([{ hasDigest: () => false }, { matchesIssuer: () => false }])(
    'takes a validator with a function alone: %o',
    (selects) => {
      expect(problemsOf(selects)).toEqual([])
    },
  )
})

describe('createValidatorSelection()', () => {
  it('asks a digest or a template only where there is one, and takes only true', () => {
    const select = createValidatorSelection([
      namedValidator('issuers', { issuers: ['https://a.test'] }),
      namedValidator('none', { hasDigest: () => 1 as never, matchesIssuer: () => 1 as never }),
    ])
    expect(select('token', 'digest')).toBeUndefined()
    expect(select(jwtWith({ iss: 'https://b.test' }), 'digest')).toBeUndefined()
    expect(select(jwtWith({ iss: 'https://a.test' }), 'digest')?.name).toBe('issuers')
    expect(select(jwtWith({ iss: 'Stryker was here' }), 'digest')).toBeUndefined()
    expect(select('Stryker was here', 'digest')).toBeUndefined()
  })
})
