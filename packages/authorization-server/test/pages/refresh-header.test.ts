import { describe, expect, it } from 'vitest'
import { refreshHeader } from '../../src/pages/refresh-header.js'

describe('refreshHeader()', () => {
  it.each([
    ['a path', '/oauth/authorize/abc?x=1', '0;url=/oauth/authorize/abc?x=1'],
    [
      'https',
      'https://claude.ai/cb?code=1&state=a%22b',
      '0;url=https://claude.ai/cb?code=1&state=a%22b',
    ],
    ['a private scheme', 'cursor://anysphere/cb?code=1', '0;url=cursor://anysphere/cb?code=1'],
    ['quotes and blanks', `https://a.test/'"b c`, '0;url=https://a.test/%27%22b%20c'],
    [
      'a line break',
      'https://a.test/\r\nSet-Cookie: a=b',
      '0;url=https://a.test/%0D%0ASet-Cookie:%20a=b',
    ],
    ['other alphabets', 'https://a.test/é😀', '0;url=https://a.test/%C3%A9%F0%9F%98%80'],
  ])('goes on to %s', (_, url, expected) => {
    expect(refreshHeader(url)).toBe(expected)
  })

  it.each([
    'javascript:alert(1)',
    ' JaVaScript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'blob:https://a.test/1',
    'file:///etc/passwd',
    '//evil.test/',
    '/\\evil.test/',
    '/\t/evil.test/',
    '/\n\\evil.test',
    'relative',
    '',
  ])('A65 refuses %j', (url) => {
    expect(() => refreshHeader(url)).toThrow(TypeError)
  })
})
