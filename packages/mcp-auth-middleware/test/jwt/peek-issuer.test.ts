import { describe, expect, it } from 'vitest'
import { peekIssuer } from '../../src/jwt/peek-issuer.js'
import { base64url } from './sign.js'

const token = (payload: unknown): string => `${base64url({})}.${base64url(payload)}.AAAA`

describe('peekIssuer()', () => {
  it('reads the issuer of a token that is not verified', () => {
    expect(peekIssuer(token({ iss: 'https://as.test' }))).toBe('https://as.test')
  })

  it('does not look at header and signature', () => {
    expect(peekIssuer(`x.${base64url({ iss: 'https://as.test' })}.`)).toBe('https://as.test')
  })

  it.each([
    ['no issuer', token({ sub: 'x' })],
    ['J28 a list of issuers', token({ iss: ['https://as.test'] })],
    ['an array as payload', token([])],
    ['null as payload', token(null)],
    ['no JSON as payload', `e30.${base64url('x')}.AAAA`],
    ['two parts', `e30.${base64url({ iss: 'x' })}`],
    ['five parts', `${token({ iss: 'x' })}.AAAA.AAAA`],
    ['an opaque token', 'oat_1234567890'],
    ['nothing', ''],
    ['only dots', '...'],
    ['more than 8192 characters', token({ iss: 'x', pad: 'x'.repeat(8192) })],
  ])('knows none for %s', (_name, text) => {
    expect(peekIssuer(text)).toBeUndefined()
  })

  it('reads only members of the payload itself', () => {
    const payload = '{"__proto__":{"iss":"https://as.test"}}'
    expect(peekIssuer(token(payload))).toBeUndefined()
  })
})
