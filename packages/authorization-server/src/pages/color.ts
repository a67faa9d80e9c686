/** Red, green and blue, 0 to 255. */
type Rgb = readonly [red: number, green: number, blue: number]

const HEX = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i
const RGB = /^rgb\(\s*(\d{1,3})(?:\s*,\s*|\s+)(\d{1,3})(?:\s*,\s*|\s+)(\d{1,3})\s*\)$/i

function toHex(channels: readonly number[]): string {
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

/** Parses `#rgb`, `#rrggbb` or `rgb(…)` to `#rrggbb`; `undefined` for anything else. */
export function parseColor(value: string): string | undefined {
  const text = value.trim()
  if (HEX.test(text)) {
    const digits = text.slice(1).toLowerCase()
    return `#${digits.length === 6 ? digits : Array.from(digits, (digit) => digit + digit).join('')}`
  }
  const channels = RGB.exec(text)?.slice(1).map(Number)
  return channels?.every((channel) => channel <= 255) ? toHex(channels) : undefined
}

function channelsOf(hex: string): Rgb {
  const channel = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16)
  return [channel(1), channel(3), channel(5)]
}

function linearOf(channel: number): number {
  const share = channel / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}

function luminanceOf(hex: string): number {
  const [red, green, blue] = channelsOf(hex)
  return 0.2126 * linearOf(red) + 0.7152 * linearOf(green) + 0.0722 * linearOf(blue)
}

/**
 * Contrast ratio of two colours `#rrggbb`, 1 to 21.
 *
 * @see WCAG 2.2, "contrast ratio" and "relative luminance"
 */
export function contrastRatio(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** Black or white, whichever reads better on a colour. It is always 4.5 : 1 or more. */
export function readableOn(background: string): string {
  const isWhiteBetter = contrastRatio('#ffffff', background) >= contrastRatio('#000000', background)
  return isWhiteBetter ? '#ffffff' : '#000000'
}
