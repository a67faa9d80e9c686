import { describe, expect, it } from 'vitest'
import { quote, showUrl } from '../../src/doctor/http/quote.js'

describe('quote()', () => {
  it.each([
    ['an escape sequence', '\u001b[31mred', '"\\u001b[31mred"'],
    ['a C1 control', '\u009b31m', '"\\u009b31m"'],
    ['text that turns around', 'a\u202eb', '"a\\u202eb"'],
    ['a new line', 'a\nerror: b', '"a\\nerror: b"'],
    ['a hidden character', 'a\u200bb', '"a\\u200bb"'],
  ])('escapes %s', (_name, text, quoted) => expect(quote(text)).toBe(quoted))

  it('leaves ordinary text, also of other scripts', () => {
    expect(quote('Grüße, 世界')).toBe('"Grüße, 世界"')
  })

  it('cuts what is too long, and says so', () => {
    expect(quote('a'.repeat(300))).toBe(`"${'a'.repeat(300)}"`)
    expect(quote('a'.repeat(301))).toBe(`"${'a'.repeat(300)}…"`)
    expect(quote(['a'.repeat(500)]).length).toBeLessThan(310)
  })

  it('writes what JSON has no word for', () => expect(quote(undefined)).toBe('undefined'))
})

describe('showUrl()', () => {
  it('leaves out who is named in it', () =>
    expect(showUrl('https://ann:secret@example.com/a')).toBe('https://example.com/a'))
  it('writes hosts and paths in ASCII', () =>
    expect(showUrl('https://bücher.example/ä')).toBe('https://xn--bcher-kva.example/%C3%A4'))
  it('quotes what is no URL', () => expect(showUrl('a\nb')).toBe('"a\\nb"'))
})
