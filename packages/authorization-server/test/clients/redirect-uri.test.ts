import { describe, expect, it } from 'vitest'
import { MetadataRefusal } from '../../src/clients/metadata-refusal.js'
import { parseRedirectUris } from '../../src/clients/redirect-uri.js'

const accepted = (uris: readonly unknown[], policy = {}) => {
  try {
    return parseRedirectUris(uris, policy).uris
  } catch (error) {
    if (error instanceof MetadataRefusal) return error.error
    throw error
  }
}
const REFUSED = 'invalid_redirect_uri'
const GOOD = 'https://c.test/cb'

describe('parseRedirectUris()', () => {
  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'javascript://c.test/%0aalert(1)',
    'data:text/html,x',
    'DATA:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://c.test/1',
    'about:blank',
    'view-source:https://c.test/',
    'filesystem:https://c.test/',
    'intent://c.test/#Intent;end',
    'ws://c.test/cb',
    'ftp://c.test/cb',
    ' javascript:alert(1)',
    '\tjavascript:alert(1)',
    '\u0000javascript:alert(1)',
    'java\tscript:alert(1)',
    'java\nscript:alert(1)',
    'javascript\t:alert(1)',
    ' https://c.test/cb',
    'https://c.test/cb ',
    'https://c.test/c\tb',
    'ht\ttps://c.test/cb',
    'https://c.test\\@evil.test/',
    'https:\\\\c.test/cb',
    'https://c.test/\u202ecb',
    'https://c.test/<script>',
  ])('D01 refuses %j, also beside a good one', (uri) => {
    expect(accepted([uri])).toBe(REFUSED)
    expect(accepted([GOOD, uri])).toBe(REFUSED)
  })

  it.each([
    'http://c.test/cb',
    'http://127.0.0.1.evil.test/cb',
    'http://localhost.evil.test/cb',
    'http://evil.test/127.0.0.1',
    'http://127.0.0.2:3000/cb',
    'http://0.0.0.0:3000/cb',
    'http://127.1:3000/cb',
    'http://0177.0.0.1/cb',
    'http://2130706433/cb',
    'http://[::ffff:127.0.0.1]/cb',
    'http://[0:0:0:0:0:0:0:1]/cb',
    'http://LOCALHOST:3000/cb',
    'http://localhost.:3000/cb',
    'http://127.0.0.1:/cb',
    'http://127.0.0.1:65536/cb',
    'http://127.0.0.1:3000evil.test/cb',
    'http://10.0.0.1/cb',
    'HTTP://c.test/cb',
    'https://*.c.test/cb',
    'https://c.test/*',
    'https://*/cb',
    '/cb',
    'cb',
    '//c.test/cb',
    'c.test/cb',
    '',
    '#',
    'https:',
    'https:/c.test/cb',
    'https:c.test/cb',
    'https:///cb',
    'https://:443/cb',
    'https://c.test:99999/cb',
    'https://c%2etest/cb',
    'HTTPS://c.test/cb',
    'https://c.test/cb#',
    'https://c.test/cb#x',
    'http://127.0.0.1/cb#x',
    'com.example.app:/cb#x',
    'https://user@c.test/cb',
    'https://c.test@evil.test/cb',
    'https://:pw@c.test/cb',
    'http://localhost@evil.test/cb',
    'http://user@127.0.0.1:3000/cb',
  ])('D03 refuses %j, also beside a good one', (uri) => {
    expect(accepted([uri])).toBe(REFUSED)
    expect(accepted([GOOD, uri])).toBe(REFUSED)
  })

  it.each([
    GOOD,
    'https://c.test',
    'https://c.test/',
    'https://c.test:8443/cb?x=1&y=a%20b',
    'https://10.0.0.1/cb',
    'https://localhost:3000/cb',
    'http://localhost/cb',
    'http://localhost:65535/cb?x=1',
    'http://127.0.0.1',
    'http://127.0.0.1/',
    'http://[::1]:3000/cb',
    'com.example.app:/cb',
    'com.example.app://cb',
    'cursor://anysphere.cursor-mcp/oauth/callback',
  ])('D03 takes %j', (uri) => {
    expect(accepted([uri])).toEqual([uri])
  })

  it.each([
    'cursor://anysphere.cursor-mcp/oauth/callback/',
    'cursor://other/oauth/callback',
    'myapp:/cb',
    'myapp://cb',
    'com.example.app:cb',
    'COM.example.app:/cb',
  ])('leaves out the app URI %j, and refuses it alone', (uri) => {
    expect(accepted([uri, GOOD])).toEqual([GOOD])
    expect(accepted([uri])).toBe(REFUSED)
  })

  it('D05 takes 10 redirect URIs and refuses 11', () => {
    const uris = Array.from({ length: 11 }, (_, index) => `https://c.test/${index}`)
    expect(accepted(uris.slice(1))).toHaveLength(10)
    expect(accepted(uris)).toBe(REFUSED)
    expect(accepted(Array.from({ length: 11 }, () => GOOD))).toBe(REFUSED)
  })

  it('D05 takes a redirect URI of 2 KiB and refuses a longer one', () => {
    const uri = `${GOOD}?${'a'.repeat(2048 - GOOD.length - 1)}`
    expect(accepted([uri])).toEqual([uri])
    expect(accepted([`${uri}a`])).toBe(REFUSED)
    expect(accepted([`${uri}${'a'.repeat(1024)}`])).toBe(REFUSED)
  })

  it('keeps one of equal redirect URIs', () => {
    expect(accepted([GOOD, GOOD])).toEqual([GOOD])
  })

  it('takes only the app URIs of the policy when it lists any', () => {
    const policy = { privateUris: ['myapp://cb'] }
    expect(accepted(['myapp://cb'], policy)).toEqual(['myapp://cb'])
    expect(accepted(['myapp://cb2'], policy)).toBe(REFUSED)
    expect(accepted(['com.example.app:/cb'], policy)).toBe(REFUSED)
    expect(accepted(['com.example.app:/cb'], { privateUris: [] })).toBe(REFUSED)
    expect(accepted(['javascript:alert(1)'], { privateUris: ['javascript:alert(1)'] })).toBe(
      REFUSED,
    )
  })

  it('takes only https hosts of the policy when it lists any', () => {
    const policy = { hosts: ['c.test', '*.d.test'] }
    expect(accepted([GOOD], policy)).toEqual([GOOD])
    expect(accepted(['https://c.test:8443/cb'], policy)).toEqual(['https://c.test:8443/cb'])
    expect(accepted(['https://a.d.test/cb'], policy)).toEqual(['https://a.d.test/cb'])
    expect(accepted(['http://localhost/cb'], policy)).toEqual(['http://localhost/cb'])
    for (const host of ['d.test', 'evild.test', 'a.c.test', 'c.test.evil.test', 'xc.test']) {
      expect(accepted([`https://${host}/cb`], policy)).toBe(REFUSED)
      expect(accepted([`https://${host}/cb`, GOOD], policy)).toEqual([GOOD])
    }
  })

  it('refuses https on a loopback host beside app URIs, which the engine would not take', () => {
    expect(accepted(['https://localhost/cb', 'http://localhost/cb'])).toBe(REFUSED)
    expect(accepted(['https://localhost/cb', GOOD])).toHaveLength(2)
  })
})
