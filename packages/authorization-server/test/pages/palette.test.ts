import { describe, expect, it } from 'vitest'
import { contrastRatio, parseColor, readableOn } from '../../src/pages/color.js'
import { buildPalettes, type Palette } from '../../src/pages/palette.js'

describe('contrastRatio()', () => {
  // WCAG 2.2: 21 for black on white; #767676 is the well-known last grey that passes on white.
  it.each([
    ['#000000', '#ffffff', 21],
    ['#ffffff', '#ffffff', 1],
    ['#767676', '#ffffff', 4.54],
    ['#777777', '#ffffff', 4.47],
  ])('of %s and %s is %d', (one, other, ratio) => {
    expect(contrastRatio(one, other)).toBeCloseTo(ratio, 1)
    expect(contrastRatio(other, one)).toBe(contrastRatio(one, other))
  })
})

it('always finds black or white to read on a colour', () => {
  const steps = ['00', '33', '66', '99', 'cc', 'ff']
  for (const red of steps) {
    for (const green of steps) {
      for (const blue of steps) {
        const color = `#${red}${green}${blue}`
        expect(contrastRatio(readableOn(color), color)).toBeGreaterThanOrEqual(4.5)
      }
    }
  }
})

it.each([
  ['#ABC', '#aabbcc'],
  ['rgb(0 128 255)', '#0080ff'],
  ['#12345', undefined],
  ['#12345678', undefined],
  ['var(--x)', undefined],
])('parseColor() reads %s as %s', (value, expected) => {
  expect(parseColor(value)).toBe(expected)
})

describe.each(['light', 'dark'] as const)('the %s palette', (scheme) => {
  const palette = buildPalettes(undefined, [])[scheme]
  const pairs: [keyof Palette, keyof Palette, number][] = [
    ['text', 'page', 4.5],
    ['text', 'surface', 4.5],
    ['text', 'soft', 4.5],
    ['muted', 'page', 4.5],
    ['muted', 'surface', 4.5],
    ['muted', 'soft', 4.5],
    ['danger', 'surface', 4.5],
    ['danger', 'soft', 4.5],
    ['danger', 'dangerSoft', 4.5],
    ['warn', 'warnSoft', 4.5],
    ['good', 'goodSoft', 4.5],
    ['accentText', 'accent', 4.5],
    ['accent', 'surface', 3],
    ['control', 'surface', 3],
    ['good', 'surface', 3],
  ]
  it.each(pairs)('has %s on %s at %d : 1 or more', (front, back, ratio) => {
    expect(contrastRatio(palette[front], palette[back])).toBeGreaterThanOrEqual(ratio)
  })
})
