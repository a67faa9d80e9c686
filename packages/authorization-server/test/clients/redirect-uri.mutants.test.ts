import { describe, expect, it } from 'vitest'
import { MetadataRefusal } from '../../src/clients/metadata-refusal.js'
import { parseLoopbackUri, parseRedirectUris } from '../../src/clients/redirect-uri.js'

const GOOD = 'https://c.test/cb'

function judge(value: unknown, policy = {}) {
  try {
    return parseRedirectUris(value, policy)
  } catch (error) {
    if (!(error instanceof MetadataRefusal)) throw error
    expect(error.error).toBe('invalid_redirect_uri')
    return error.message
  }
}

describe('parseLoopbackUri()', () => {
  it.each([
    ['http://localhost', { host: 'localhost', rest: '' }],
    ['http://localhost:1', { host: 'localhost', rest: '' }],
    ['http://127.0.0.1:65535/cb?x=1', { host: '127.0.0.1', rest: '/cb?x=1' }],
    ['http://[::1]?x', { host: '[::1]', rest: '?x' }],
    ['http://localhost:0/', { host: 'localhost', rest: '/' }],
  ])('splits %s', (uri, parts) => {
    expect(parseLoopbackUri(uri)).toEqual(parts)
  })

  it.each([
    'http://localhost:65536',
    'http://localhost:99999',
    'http://localhost:123456',
    'http://localhost:x',
    'http://localhostx',
    'http://xlocalhost',
    'xhttp://localhost',
    'http://127a0.0.1',
    'http://127.0a0.1',
    'http://127.0.0a1',
    'http://::1',
    'http://localhost/a\nb',
    'https://localhost',
  ])('takes %j for no loopback URI', (uri) => {
    expect(parseLoopbackUri(uri)).toBeUndefined()
  })
})

describe('parseRedirectUris()', () => {
  it.each([
    ['no list', GOOD, 'redirect_uris must be a list with at least one URI'],
    ['nothing', undefined, 'redirect_uris must be a list with at least one URI'],
    ['an empty list', [], 'redirect_uris must be a list with at least one URI'],
    ['11 URIs', Array.from({ length: 11 }, () => GOOD), 'must not have more than 10 members'],
    ['a number', [GOOD, 7], 'redirect_uris must contain only text'],
    ['a long one', [`${GOOD}?${'a'.repeat(2048)}`], 'must not be longer than 2048 characters'],
    ['a fragment', [`${GOOD}#x`], 'must not contain a fragment'],
    ['a blank', ['https://c.test/c b'], 'must contain only characters of RFC 3986'],
    ['a blank in front', [` ${GOOD}`], 'must contain only characters of RFC 3986'],
    ['a user name', ['com.example.app://ann@host/cb'], 'must not contain a user name'],
    ['a user name of one letter', ['com.example.app://a@host/cb'], 'must not contain a user name'],
    [
      'https behind HTTPS',
      ['HTTPS://c.test/https://c.test/'],
      'must be of the form https://host/path',
    ],
    ['a path', ['/cb'], 'must be absolute'],
    ['a colon in a path', ['/cb:x'], 'must be absolute'],
    ['a digit in front', ['1a:/cb'], 'must be absolute'],
    ['a wildcard', ['https://c.test/*'], 'must not contain a wildcard'],
    ['a wildcard of an app', ['com.app:/*'], 'must not contain a wildcard'],
    ['a user', ['https://u@c.test/'], 'must not contain a user name'],
    ['a user of an app', ['com.app://u@x/'], 'must not contain a user name'],
    ['http', ['http://c.test/'], 'must use https, or http on a loopback host'],
    ['http in another case', ['HTTP://localhost/'], 'must use https, or http on a loopback host'],
    ['no host', ['https:///cb'], 'must be of the form https://host/path'],
    ['a port too large', ['https://c.test:65536/'], 'must be of the form https://host/path'],
    ['a port too long', ['https://c.test:000443/'], 'must be of the form https://host/path'],
    ['a host of signs', ['https://c!test/'], 'must be of the form https://host/path'],
    ['https in another case', ['HTTPS://c.test/'], 'must be of the form https://host/path'],
    ['only what is left out', ['myapp:/cb'], 'must have one that this server accepts'],
    [
      'https on a loopback host beside an app',
      ['https://localhost/', 'com.app:/cb'],
      'must not mix https on a loopback host with app URIs',
    ],
  ])('says what is wrong with %s', (_, value, text) => {
    expect(judge(value)).toBe(text.startsWith('redirect_uris') ? text : `redirect_uris ${text}`)
  })

  it.each(
    'about blob chrome chrome-extension content data file filesystem ftp intent jar javascript mailto ms-msdt resource search-ms sms tel vbscript view-source ws wss'
      .split(' ')
      .flatMap((scheme) => [`${scheme}:x`, `${scheme.toUpperCase()}://x/y`]),
  )('D01 refuses %s, also where the policy lists it', (uri) => {
    const refusal = 'redirect_uris must not use a dangerous scheme'
    expect(judge([uri, GOOD], { privateUris: [uri] })).toBe(refusal)
  })

  it.each([
    ['an at sign in the path', 'https://c.test/@me'],
    ['an at sign in the query', 'https://c.test?x=//y@z'],
    ['an at sign and slashes in the path', 'https://c.test/a//b@c'],
    ['an IPv6 host', 'https://[2606:4700::1]/cb'],
    ['a port of five digits', 'https://c.test:65535/cb'],
    ['nothing after the host', 'https://c.test'],
    ['a query after the host', 'https://c.test?x'],
    ['every other character of RFC 3986', "https://c.test/!$%25&'()+,-.0:;=@AZ[]_az~"],
  ])('takes %s', (_, uri) => {
    expect(judge([uri])).toEqual({ uris: [uri], applicationType: 'web' })
  })

  it.each(['com.example:/cb', 'com.e-x4.app://cb', 'a1-b.c:/', 'http://localhost/cb'])(
    'makes a client with %s a native one',
    (uri) => {
      expect(judge([uri])).toEqual({ uris: [uri], applicationType: 'native' })
      expect(judge([GOOD, uri])).toEqual({ uris: [GOOD, uri], applicationType: 'native' })
    },
  )

  it.each([
    'com:/cb',
    'com.:/cb',
    'com.example:cb',
    'com.exAmple:/cb',
    'com.example+x:/cb',
    'com.ex.:/cb',
    'cursor://anysphere.cursor-mcp/oauth/callback2',
    'xcursor://anysphere.cursor-mcp/oauth/callback',
  ])('leaves out %s', (uri) => {
    expect(judge([uri, GOOD])).toEqual({ uris: [GOOD], applicationType: 'web' })
  })

  it.each([
    'https://localhost/cb',
    'https://a.localhost/cb',
    'https://a.b.localhost/cb',
    'https://127.0.0.1/cb',
    'https://127.255.10.1/cb',
    'https://[::1]/cb',
  ])('takes %s alone, and not beside an app URI', (uri) => {
    expect(judge([uri, GOOD])).toEqual({ uris: [uri, GOOD], applicationType: 'web' })
    expect(judge([GOOD, uri, 'http://localhost/'])).toMatch(/must not mix/)
  })

  it.each([
    'https://xlocalhost/cb',
    'https://localhost.c.test/cb',
    'https://x127.0.0.1.c.test/cb',
    'https://128.0.0.1/cb',
    'https://[::2]/cb',
  ])('takes %s also beside an app URI', (uri) => {
    expect(judge([uri, 'http://localhost/'])).toMatchObject({ applicationType: 'native' })
  })
})
