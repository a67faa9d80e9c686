import { describe, expect, it } from 'vitest'
import { cutText } from '../src/tools/text-part.js'

function partsOf(text: string, limit: number): string[] {
  const parts: string[] = []
  let offset: number | undefined = 0
  while (offset !== undefined) {
    const part = cutText(text, offset, limit)
    parts.push(part.text)
    offset = part.nextOffset
  }
  return parts
}

describe('cutText()', () => {
  it.each([
    ['behind the last line that fits', 'ab\ncd\nef', 7, ['ab\ncd\n', 'ef']],
    ['nowhere when all of it fits', 'ab\ncd', 5, ['ab\ncd']],
    ['behind a line that fits to the character', 'ab\ncd\n', 3, ['ab\n', 'cd\n']],
    ['behind the last tag in one long line', '<p>a</p><p>b</p>', 11, ['<p>a</p><p>', 'b</p>']],
    ['at a character when there is nothing else', 'abcdef', 4, ['abcd', 'ef']],
    ['not inside of a character', 'a😀😀b', 4, ['a😀', '😀b']],
    ['nowhere in nothing', '', 4, ['']],
  ])('cuts %s', (_what, text, limit, parts) => {
    expect(partsOf(text, limit)).toEqual(parts)
    expect(parts.join('')).toBe(text)
  })

  it('refuses to begin at the end', () => {
    expect(() => cutText('abc', 3)).toThrow(/does not fit/)
    expect(cutText('abc', 2).text).toBe('c')
  })
})
