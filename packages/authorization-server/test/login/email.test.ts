import { describe, expect, it } from 'vitest'
import { isSubject, readName, readPicture } from '../../src/login/account-text.js'
import { normalizeDomain, normalizeEmail } from '../../src/login/email.js'

describe('normalizeEmail()', () => {
  it.each([
    ['case', 'Ann@Example.COM', 'ann@example.com'],
    ['blanks around it', ' ann@example.com\n', 'ann@example.com'],
    ['a composed letter', 'jose\u0301@example.com', 'jos\u00E9@example.com'],
    ['a domain in another script', 'a@BÜCHER.example', 'a@xn--bcher-kva.example'],
    ['a tag, which is kept', 'ann+news@example.com', 'ann+news@example.com'],
    ['dots, which are kept', 'a.n.n@gmail.com', 'a.n.n@gmail.com'],
    ['an apostrophe', "o'neill@example.com", "o'neill@example.com"],
  ])('brings into one form: %s', (_name, given, expected) => {
    expect(normalizeEmail(given)).toBe(expected)
  })

  it.each([
    ['no @', 'ann.example.com'],
    ['two @', 'ann@evil.test@example.com'],
    ['nothing before the @', '@example.com'],
    ['nothing after the @', 'ann@'],
    ['a quoted name', '"ann"@example.com'],
    ['a blank within', 'an n@example.com'],
    ['a comment', 'ann(x)@example.com'],
    ['a list', 'ann,bob@example.com'],
    ['a NUL', 'ann\u0000@example.com'],
    ['a line break', 'ann\r\nbcc:x@example.com'],
    ['a zero-width blank', 'ann\u200B@example.com'],
    ['a soft hyphen in the domain', 'ann@exam\u00ADple.com'],
    ['a turn of direction', 'ann\u202E@example.com'],
    ['a lone surrogate', 'ann\uD800@example.com'],
    ['the Kelvin sign, another mailbox than k', '\u212Aate@example.com'],
    ['the Kelvin sign beside other letters', '\u00E9\u212Aate@example.com'],
    ['a Greek question mark, which becomes a semicolon', 'a\u037Eb@example.com'],
    ['a domain without a dot', 'ann@localhost'],
    ['an IP address', 'ann@127.0.0.1'],
    ['an IP address in brackets', 'ann@[127.0.0.1]'],
    ['a port', 'ann@example.com:25'],
    ['a path', 'ann@example.com/x'],
    ['a percent escape', 'ann@example%2ecom'],
    ['a domain with a dot at its end', 'ann@example.com.'],
    ['255 characters', `${'a'.repeat(243)}@example.com`],
  ])('refuses %s', (_name, given) => {
    expect(normalizeEmail(given)).toBeUndefined()
  })

  it('P02 decides about long texts at once', () => {
    const started = performance.now()
    for (const text of ['a', ' ', ',"', '%', '@', 'a.', '.']) {
      normalizeEmail(`${text.repeat(50_000)}@${text.repeat(50_000)}`)
      normalizeDomain(text.repeat(50_000))
    }
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('account texts', () => {
  it('isSubject() accepts up to 255 visible characters', () => {
    expect(isSubject('x'.repeat(255))).toBe(true)
    expect(isSubject('x'.repeat(256))).toBe(false)
    expect(isSubject('')).toBe(false)
    expect(isSubject(' x')).toBe(false)
    expect(isSubject('a\u202Eb')).toBe(false)
    expect(isSubject(1)).toBe(false)
  })

  it('readName() keeps 120 code points and no invisible ones', () => {
    expect(readName('😀'.repeat(200))).toBe('😀'.repeat(120))
    expect(readName('Ann\u2028Example')).toBe('Ann Example')
    expect(readName('\u200B')).toBeUndefined()
    expect(readName({})).toBeUndefined()
  })

  it('readPicture() accepts https URLs alone', () => {
    expect(readPicture('https://example.com/a.png')).toBe('https://example.com/a.png')
    expect(readPicture('http://example.com/a.png')).toBeUndefined()
    expect(readPicture('data:image/png;base64,AA==')).toBeUndefined()
    expect(readPicture('https://user:pass@example.com/')).toBeUndefined()
    expect(readPicture(`https://example.com/${'x'.repeat(2048)}`)).toBeUndefined()
  })
})
