import { describe, expect, it } from 'vitest'
import {
  claimOf,
  identityProblem,
  idTokenProblem,
  isIdentifier,
  readAudience,
  readClientId,
  readScopes,
  timeProblem,
} from '../../src/jwt/claims.js'

const NOW = 1_000_000
const POLICY = { clockTolerance: 10, maxTokenLifetime: 3600 }
const inherited = (name: string, value: unknown) => Object.create({ [name]: value })

describe('isIdentifier()', () => {
  it.each(['a', ' ', 'a b', 'ü', '日本', '😀', 'x'.repeat(1024)])('takes %j', (value) => {
    expect(isIdentifier(value)).toBe(true)
  })

  it.each([
    '',
    'x'.repeat(1025),
    'a\nb',
    '\u0000',
    '\u007f',
    '\u0085',
    '\u061c',
    '\u200e',
    '\u200f',
    '\u2028',
    '\u202e',
    '\u2066',
    '\u2069',
    'a\ud800b',
    '\udc00',
    7,
    undefined,
    ['a'],
  ])('refuses %j', (value) => {
    expect(isIdentifier(value)).toBe(false)
  })

  it.each(['\u200d', '\u2027', '\u202f', '\u2065', '\u206a'])('takes the neighbour %j', (value) => {
    expect(isIdentifier(value)).toBe(true)
  })
})

describe('claimOf()', () => {
  it('reads own members only', () => {
    expect(claimOf({ sub: 'a' }, 'sub')).toBe('a')
    expect(claimOf(inherited('sub', 'a'), 'sub')).toBeUndefined()
    expect(claimOf({}, 'constructor')).toBeUndefined()
  })
})

describe('timeProblem()', () => {
  const judge = (claims: object, now = NOW) =>
    timeProblem({ exp: NOW + 60, ...claims }, now, POLICY)

  it.each([
    ['exp_missing', { exp: undefined }],
    ['exp_invalid', { exp: 0 }],
    ['exp_invalid', { exp: -1 }],
    ['exp_invalid', { exp: Number.NaN }],
    ['exp_invalid', { exp: Number.POSITIVE_INFINITY }],
    ['exp_invalid', { exp: String(NOW + 60) }],
    ['exp_invalid', { exp: null }],
    ['token_expired', { exp: NOW - 10 }],
    [undefined, { exp: NOW - 9.5 }],
    [undefined, { exp: NOW + 3610 }],
    ['lifetime_too_long', { exp: NOW + 3610.5 }],
    [undefined, { nbf: NOW + 10 }],
    ['not_yet_valid', { nbf: NOW + 10.5 }],
    ['nbf_invalid', { nbf: String(NOW) }],
    ['nbf_invalid', { nbf: Number.NaN }],
    ['nbf_invalid', { nbf: Number.NEGATIVE_INFINITY }],
    ['nbf_invalid', { nbf: null }],
    [undefined, { iat: NOW + 10 }],
    ['iat_in_future', { iat: NOW + 10.5 }],
    ['iat_invalid', { iat: String(NOW) }],
    ['iat_invalid', { iat: Number.NaN }],
    ['iat_invalid', { iat: Number.NEGATIVE_INFINITY }],
    ['iat_invalid', { iat: null }],
    [undefined, { exp: NOW + 5, iat: NOW + 5 }],
    ['iat_after_exp', { exp: NOW + 5, iat: NOW + 5.5 }],
    [undefined, { nbf: NOW, iat: NOW }],
    [undefined, {}],
  ])('says %s of %j', (problem, claims) => {
    expect(judge(claims)).toBe(problem)
  })

  it('refuses at a broken clock', () => {
    expect(judge({}, Number.NaN)).toBe('token_expired')
  })
})

describe('identityProblem()', () => {
  it.each([
    ['subject_missing', {}, false],
    ['subject_missing', { sub: '' }, false],
    [undefined, {}, true],
    [undefined, { sub: '' }, true],
    ['subject_invalid', { sub: 7 }, true],
    ['subject_invalid', { sub: 'a\n' }, false],
    ['subject_invalid', { sub: null }, true],
    [undefined, { sub: 'a' }, false],
    [undefined, { sub: 'a', jti: 'x'.repeat(256) }, false],
    ['jti_invalid', { sub: 'a', jti: 'x'.repeat(257) }, false],
    ['jti_invalid', { sub: 'a', jti: '' }, false],
    ['jti_invalid', { sub: 'a', jti: 7 }, false],
    ['jti_invalid', { sub: 'a', jti: null }, false],
    ['sender_constrained', { sub: 'a', cnf: {} }, false],
    ['sender_constrained', { sub: 'a', cnf: null }, true],
  ])('says %s of %j, subject optional: %j', (problem, payload, isOptional) => {
    expect(identityProblem(payload, isOptional)).toBe(problem)
    expect(identityProblem(payload, isOptional, false)).toBe(problem)
  })

  it('takes a token that is bound to a key only of who verifies the proof', () => {
    expect(identityProblem({ sub: 'a', cnf: { jkt: 'x' } }, false, true)).toBeUndefined()
    expect(identityProblem({ cnf: { jkt: 'x' } }, false, true)).toBe('subject_missing')
  })
})

describe('readAudience()', () => {
  it.each([
    [{}, 'audience_missing'],
    [{ aud: 'a' }, ['a']],
    [{ aud: '' }, ['']],
    [{ aud: ['a', 'b'] }, ['a', 'b']],
    [{ aud: [] }, 'audience_invalid'],
    [{ aud: ['a', 7] }, 'audience_invalid'],
    [{ aud: [7, 'a'] }, 'audience_invalid'],
    [{ aud: null }, 'audience_invalid'],
    [{ aud: { 0: 'a', length: 1 } }, 'audience_invalid'],
  ])('reads %j as %j', (payload, audience) => {
    expect(readAudience(payload)).toEqual(audience)
  })
})

describe('readClientId()', () => {
  const NAMES = ['client_id', 'azp']

  it.each([
    [{}, undefined],
    [{ azp: 'b' }, 'b'],
    [{ client_id: 'a', azp: 'b' }, 'a'],
    [{ client_id: '', azp: 'b' }, { problem: 'client_id_invalid' }],
    [{ client_id: null, azp: 'b' }, { problem: 'client_id_invalid' }],
    [{ client_id: 'a\n' }, { problem: 'client_id_invalid' }],
    [{ client_id: 'a', azp: 7 }, 'a'],
  ])('reads %j as %j', (payload, clientId) => {
    expect(readClientId(payload, NAMES)).toEqual(clientId)
    expect(readClientId(payload, [])).toBeUndefined()
  })
})

describe('readScopes()', () => {
  const NAMES = ['scope', 'scp']

  it.each([
    [{}, []],
    [{ scope: null }, []],
    [{ scope: '' }, []],
    [{ scope: 'a b' }, ['a', 'b']],
    [{ scope: ' a  b ' }, ['a', 'b']],
    [{ scope: 'a\tb c' }, ['c']],
    [{ scope: ['a b', 'c'] }, ['c']],
    [{ scope: 'a', scp: ['b', 'a'] }, ['a', 'b']],
    [{ scope: null, scp: 'b' }, ['b']],
    [{ scope: 7 }, { problem: 'scope_invalid' }],
    [{ scope: { a: 1 } }, { problem: 'scope_invalid' }],
    [{ scope: ['a', 7] }, { problem: 'scope_invalid' }],
    [{ scope: 'a', scp: true }, { problem: 'scope_invalid' }],
  ])('reads %j as %j', (payload, scopes) => {
    expect(readScopes(payload, NAMES)).toEqual(scopes)
  })
})

describe('idTokenProblem()', () => {
  it.each(['nonce', 'at_hash', 'c_hash'])('refuses what has %s, whatever it holds', (name) => {
    expect(idTokenProblem({ sub: 'a', [name]: undefined })).toBe('id_token')
    expect(idTokenProblem(inherited(name, 'x'))).toBeUndefined()
  })

  it('takes other claims', () => {
    expect(idTokenProblem({ sub: 'a', auth_time: 1 })).toBeUndefined()
  })
})
