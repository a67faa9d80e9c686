import { describe, expect, it } from 'vitest'
import { isLoopbackUrl, remoteUrlProblem } from '../../src/jwt/remote-url.js'

describe('remoteUrlProblem()', () => {
  it.each([
    'https://as.test/jwks',
    'https://as.test:8443/jwks?v=1',
    'http://127.0.0.1:3000/jwks',
    'http://127.8.9.1/jwks',
    'http://127.10.0.1/jwks',
    'http://127.0.10.1/jwks',
    'http://127.0.0.254/jwks',
    'http://localhost:3000/jwks',
    'http://as.localhost/jwks',
    'http://[::1]:3000/jwks',
  ])('accepts %s', (url) => {
    expect(remoteUrlProblem(url)).toBeUndefined()
  })

  it.each([
    ['K19 http on a public host', 'http://as.test/jwks'],
    ['K19 http on a host that only begins like loopback', 'http://127.0.0.1.evil.test/jwks'],
    ['http on a host that ends like localhost', 'http://notlocalhost/jwks'],
    ['http on a host that only ends like loopback', 'http://a.127.0.0.1/jwks'],
    ['http on a private network', 'http://10.0.0.1/jwks'],
    ['http on all interfaces', 'http://0.0.0.0/jwks'],
    ['K19 a file', 'file:///etc/passwd'],
    ['K19 a user name', 'https://ann@as.test/jwks'],
    ['K19 a password', 'https://:secret@as.test/jwks'],
    ['inline data', 'data:application/json,{}'],
    ['a fragment', 'https://as.test/jwks#a'],
    ['an empty fragment', 'https://as.test/jwks#'],
    ['a relative URL', '/jwks'],
    ['nothing', ''],
  ])('refuses %s', (_name, url) => {
    expect(remoteUrlProblem(url)).toMatch(/^must /)
  })
})

describe('isLoopbackUrl()', () => {
  it('recognises every spelling that the URL parser reads as loopback', () => {
    expect(isLoopbackUrl('http://2130706433/')).toBe(true)
    expect(isLoopbackUrl('http://0177.0.0.1/')).toBe(true)
    expect(isLoopbackUrl('https://as.test/')).toBe(false)
    expect(isLoopbackUrl('nonsense')).toBe(false)
  })
})
