import { describe, expect, it } from 'vitest'
import { isPublicHttpsUri } from '../../src/clients/public-https-uri.js'

const PREFIX = 'https://c.test/'

describe('isPublicHttpsUri()', () => {
  it.each([
    'https://c.test',
    'https://c.test/logo.png?x=1#y',
    'https://c.test:8443/',
    'https://localhost.test/',
    'https://xlocal.test/',
    'https://mylocal.xlocal/',
    'https://home.arpa.test/',
    'https://c.test/~!',
    PREFIX + 'a'.repeat(2048 - PREFIX.length),
  ])('takes %s', (text) => {
    expect(isPublicHttpsUri(text)).toBe(true)
  })

  it.each([
    '',
    'c.test',
    'http://c.test/',
    'HTTPS://c.test/',
    'xhttps://c.test/',
    'https:/c.test/',
    'https://',
    'https://c.test:99999/',
    'https://c.test/a b',
    ' https://c.test/',
    'https://c.test/\n',
    'https://c.test/\u00fc',
    'https://c.test/\\x',
    'https://u@c.test/',
    'https://:p@c.test/',
    'https://u:p@c.test/',
    'https://test/',
    'https://localhost/',
    'https://a.localhost/',
    'https://a.local/',
    'https://a.b.internal/',
    'https://a.home.arpa/',
    'https://home.arpa/',
    'https://8.8.8.8/',
    'https://2130706433/',
    'https://[2606:4700::1]/',
    'https://[::ffff:8.8.8.8]/',
    PREFIX + 'a'.repeat(2049 - PREFIX.length),
  ])('refuses %j', (text) => {
    expect(isPublicHttpsUri(text)).toBe(false)
  })
})
