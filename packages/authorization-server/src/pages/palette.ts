import type { ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import { contrastRatio, parseColor, readableOn } from './color.js'
import type { BrandColors } from './pages.js'

/** Colours of one scheme, as `#rrggbb`. */
export interface Palette {
  readonly page: string
  readonly surface: string
  readonly soft: string
  readonly text: string
  readonly muted: string
  readonly line: string
  /** Borders of fields and buttons. */
  readonly control: string
  readonly accent: string
  readonly accentText: string
  readonly danger: string
  readonly dangerSoft: string
  readonly warn: string
  readonly warnSoft: string
  readonly good: string
  readonly goodSoft: string
}

const LIGHT: Palette = {
  page: '#f3f4f6',
  surface: '#ffffff',
  soft: '#f6f7f9',
  text: '#15181e',
  muted: '#565d6b',
  line: '#e1e4e9',
  control: '#858c99',
  accent: '#2f54c8',
  accentText: '#ffffff',
  danger: '#b0231b',
  dangerSoft: '#fdefee',
  warn: '#6f4a00',
  warnSoft: '#fff5dc',
  good: '#176638',
  goodSoft: '#e8f6ed',
}

const DARK: Palette = {
  page: '#0d0f13',
  surface: '#171a20',
  soft: '#1f232b',
  text: '#eceef2',
  muted: '#a5acb9',
  line: '#2c313b',
  control: '#727a88',
  accent: '#8fabff',
  accentText: '#0b1020',
  danger: '#ff9a91',
  dangerSoft: '#36191a',
  warn: '#f3cd78',
  warnSoft: '#2f2712',
  good: '#83d8a3',
  goodSoft: '#14301f',
}

/** WCAG 2.2, 1.4.3 Contrast (Minimum). */
const TEXT_CONTRAST = 4.5
/** WCAG 2.2, 1.4.11 Non-text Contrast. */
const PART_CONTRAST = 3

/** The colours of both schemes, with those of the brand. */
export interface Palettes {
  readonly light: Palette
  readonly dark: Palette
}

/** Puts the colours of the brand in, and says in `problems` which cannot be used or read. */
export function buildPalettes(
  colors: BrandColors | undefined,
  problems: ConfigurationProblem[],
): Palettes {
  const refuse = (name: keyof BrandColors, message: string) =>
    problems.push({ path: `brand.colors.${name}`, message })
  const colorOf = (name: keyof BrandColors): string | undefined => {
    const given = colors?.[name]
    if (given === undefined) return undefined
    const color = parseColor(given)
    if (color === undefined) refuse(name, 'must be #rrggbb, #rgb or rgb(r, g, b)')
    return color
  }
  const round = (ratio: number) => (Math.floor(ratio * 10) / 10).toFixed(1)

  const apply = (
    palette: Palette,
    scheme: 'light' | 'dark',
    accentName: keyof BrandColors,
    textName: keyof BrandColors,
    given: { accent: string | undefined; accentText: string | undefined },
  ): Palette => {
    const accent = given.accent ?? palette.accent
    const accentText =
      given.accentText ?? (given.accent === undefined ? palette.accentText : readableOn(accent))
    const onSurface = contrastRatio(accent, palette.surface)
    if (onSurface < PART_CONTRAST) {
      const advice = scheme === 'dark' ? '; give another one for it as accentDark' : ''
      refuse(
        accentName,
        `stands out ${round(onSurface)} : 1 from the ${scheme} page, needs 3 : 1${advice}`,
      )
    }
    const inside = contrastRatio(accent, accentText)
    if (inside < TEXT_CONTRAST) {
      refuse(textName, `reads ${round(inside)} : 1 on the accent (${scheme}), needs 4.5 : 1`)
    }
    return { ...palette, accent, accentText }
  }

  const light = { accent: colorOf('accent'), accentText: colorOf('accentText') }
  const darkAccent = colorOf('accentDark')
  const isAccentShared = darkAccent === undefined && light.accent !== undefined
  const dark = {
    accent: darkAccent ?? light.accent,
    // A text chosen for one accent says nothing about another one.
    accentText: colorOf('accentTextDark') ?? (isAccentShared ? light.accentText : undefined),
  }
  return {
    light: apply(LIGHT, 'light', 'accent', 'accentText', light),
    dark: apply(
      DARK,
      'dark',
      darkAccent === undefined ? 'accent' : 'accentDark',
      colors?.accentTextDark === undefined ? 'accentText' : 'accentTextDark',
      dark,
    ),
  }
}
