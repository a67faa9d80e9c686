import { describe, expect, it } from 'vitest'
import { cleanClientName } from '../../src/clients/client-name.js'

describe('cleanClientName()', () => {
  it.each([
    ['right-to-left override', 'Cl\u202eaude', 'Claude'],
    ['bidi isolates', '\u2066Claude\u2069', 'Claude'],
    ['zero-width', 'Cl\u200ba\u200cu\u200dd\ufeffe', 'Claude'],
    ['NUL', 'Claude\u0000', 'Claude'],
    ['escape sequence', '\u001b[31mClaude', '[31mClaude'],
    ['C1 controls', 'Claude\u0085\u009b', 'Claude'],
    ['tag characters', 'Claude\u{e0041}\u{e0042}', 'Claude'],
    ['soft hyphen', 'Cla\u00adude', 'Claude'],
    ['Hangul filler', '\u3164Claude\u115f', 'Claude'],
    ['half a surrogate pair', 'Claude\ud800', 'Claude'],
    ['private use', 'Claude\ue000', 'Claude'],
    ['line ends', 'Claude\r\nby Anthropic', 'Claude by Anthropic'],
    ['line separators', 'Claude\u2028by\u2029x', 'Claude by x'],
    ['blanks', '  Claude \t Code  ', 'Claude Code'],
    ['stacked marks', `e${'\u0315'.repeat(50)}`, `e${'\u0315'.repeat(3)}`],
  ])('A39 removes %s', (_name, name, cleaned) => {
    expect(cleanClientName(name)).toBe(cleaned)
  })

  it.each(['Claude Code (coda)', 'Zoë’s «App» – 2', '日本語クライアント', 'عميل', 'नमस्ते', '👍 Go'])(
    'A39 leaves %j alone',
    (name) => {
      expect(cleanClientName(name)).toBe(name)
    },
  )

  it('A39 cuts at 120 code points, never inside a character', () => {
    expect(cleanClientName('a'.repeat(120))).toHaveLength(120)
    expect(cleanClientName('a'.repeat(10_240))).toHaveLength(120)
    expect([...(cleanClientName('👍'.repeat(200)) ?? '')]).toHaveLength(120)
  })

  it('A39 keeps look-alike letters, which only the host beside the name can unmask', () => {
    expect(cleanClientName('Clаude')).toBe('Clаude')
  })

  it.each(['', '   ', '\u0000', '\u200b\u202e', '\u3164'])('has no name for %j', (name) => {
    expect(cleanClientName(name)).toBeUndefined()
  })

  it('A36 leaves markup to the page, as text', () => {
    expect(cleanClientName('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>')
  })
})
