import { describe, expect, it } from 'vitest'
import { matchRedirectUri } from '../../src/clients/match-redirect-uri.js'

const WEB = ['https://c.test/cb']
const NATIVE = ['http://127.0.0.1:3000/cb', 'com.example.app:/cb']

describe('matchRedirectUri()', () => {
  it('A01 refuses a redirect URI that is not registered', () => {
    expect(matchRedirectUri(WEB, 'https://evil.test/cb')).toBe(false)
    expect(matchRedirectUri([], 'https://c.test/cb')).toBe(false)
    expect(matchRedirectUri(WEB, 'https://c.test/cb')).toBe(true)
  })

  it.each(['', ' ', '/cb', 'cb', '//c.test/cb', '?x=1', 'c.test/cb'])('A02 refuses %j', (uri) => {
    expect(matchRedirectUri([...WEB, ...NATIVE], uri)).toBe(false)
    expect(matchRedirectUri([''], '')).toBe(false)
  })

  it.each([
    'https://c.test/cb/',
    'https://c.test/cb?x=1',
    'https://c.test/cb?',
    'https://c.test/cb#',
    'https://c.test/cb#x',
    'https://c.test/cb/../evil',
    'https://c.test/./cb',
    'https://c.test/%63b',
    'https://c.test.evil.test/cb',
    'https://c.test@evil.test/cb',
    'https://user@c.test/cb',
    'https://evil.test\\@c.test/cb',
    'https://c.test/cbx',
    'https://c.test/c',
    'https://c.test/CB',
    'https://c.test:8443/cb',
    'http://c.test/cb',
    ' https://c.test/cb',
    'https://c.test/cb\n',
    'https://c.test/cb\u0000',
  ])('A03 refuses %j', (uri) => {
    expect(matchRedirectUri(WEB, uri)).toBe(false)
  })

  it.each([
    'https://c.test:443/cb',
    'https://C.TEST/cb',
    'HTTPS://c.test/cb',
    'https://c.test./cb',
  ])('A04 refuses %j, which only means the same', (uri) => {
    expect(matchRedirectUri(WEB, uri)).toBe(false)
  })

  it.each([
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1:3000/cb'],
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1:1/cb'],
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1:65535/cb'],
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:49152/cb'],
    ['http://[::1]:3000/cb', 'http://[::1]:49152/cb'],
    ['http://localhost/callback', 'http://localhost:54545/callback'],
    ['http://127.0.0.1:33418/', 'http://127.0.0.1:50001/'],
    ['http://127.0.0.1/cb?x=1', 'http://127.0.0.1:1/cb?x=1'],
  ])('A06 D14 registered %s takes %s', (registered, presented) => {
    expect(matchRedirectUri([registered], presented)).toBe(true)
  })

  it.each([
    'http://127.0.0.1:3000/other',
    'http://127.0.0.1:3000/cb/',
    'http://127.0.0.1:3000/cb?x=1',
    'http://127.0.0.1:3000/cb#x',
    'http://127.0.0.1:3000',
    'https://127.0.0.1:3000/cb',
    'http://127.0.0.2:3000/cb',
    'http://[::1]:3000/cb',
    'http://localhost:3000/cb',
    'http://127.0.0.1:65536/cb',
    'http://127.0.0.1:/cb',
    'http://127.0.0.1:3000:1/cb',
    'http://127.0.0.1:-1/cb',
    'http://127.0.0.1:3000@evil.test/cb',
    'http://127.0.0.1@evil.test/cb',
    'http://user@127.0.0.1:3000/cb',
    'http://127.0.0.1.evil.test/cb',
    'http://127.0.0.1:3000.evil.test/cb',
    'http://127.1:3000/cb',
    'http://0177.0.0.1:3000/cb',
    'http://127.0.0.1:3000\\cb',
    'HTTP://127.0.0.1:3000/cb',
    'http://127.0.0.1:3000/cb\n',
  ])('A07 refuses %j where http://127.0.0.1:3000/cb is registered', (uri) => {
    expect(matchRedirectUri(NATIVE, uri)).toBe(false)
  })

  it('A09 takes a private scheme only as it is registered', () => {
    expect(matchRedirectUri(NATIVE, 'com.example.app:/cb')).toBe(true)
    for (const uri of ['com.example.app:/cb/', 'com.example.app://cb', 'com.example.app2:/cb']) {
      expect(matchRedirectUri(NATIVE, uri)).toBe(false)
    }
  })

  it('A11 judges the redirect URI alone, whatever else is asked', () => {
    // Pure in its two arguments: no other parameter of a request can make it pass.
    expect(matchRedirectUri).toHaveLength(2)
    expect(matchRedirectUri(WEB, 'https://c.test/cb&prompt=none')).toBe(false)
    expect(matchRedirectUri(WEB, 'https://evil.test/?redirect_uri=https://c.test/cb')).toBe(false)
  })

  it('D14 agrees with the rule, stated over the parts, for 101 registered and 2,304 presented URIs', () => {
    const parts = ['http', 'https', 'com.app'].flatMap((scheme) =>
      ['localhost', '127.0.0.1', '[::1]', '127.0.0.2', 'c.test', 'localhost.c.test'].flatMap(
        (host) =>
          ['', ':1', ':3000', ':65535'].flatMap((port) =>
            ['', '/', '/cb', '/cb/'].flatMap((path) =>
              ['', '?', '?x=1', '?x=2'].flatMap((query) =>
                ['', 'u@'].map((user) => ({ scheme, user, host, port, path, query })),
              ),
            ),
          ),
      ),
    )
    type Parts = (typeof parts)[number]
    const write = ({ scheme, user, host, port, path, query }: Parts) =>
      `${scheme}://${user}${host}${port}${path}${query}`
    const isLoopback = ({ scheme, user, host }: Parts) =>
      scheme === 'http' && user === '' && ['localhost', '127.0.0.1', '[::1]'].includes(host)
    const expected = (one: Parts, other: Parts) =>
      write(isLoopback(one) ? { ...one, port: '' } : one) ===
      write(isLoopback(other) ? { ...other, port: '' } : other)

    expect(parts).toHaveLength(2304)
    const wrong: string[] = []
    let matches = 0
    // Every 23rd against all: each value of each part still meets each other one.
    const registered = parts.filter((_, index) => index % 23 === 0)
    for (const one of registered) {
      for (const other of parts) {
        const found = matchRedirectUri([write(one)], write(other))
        if (found) matches += 1
        if (found !== expected(one, other)) wrong.push(`${write(one)} ${write(other)}`)
      }
    }
    expect(wrong).toEqual([])
    expect(matches).toBeGreaterThan(registered.length)
  })
})
