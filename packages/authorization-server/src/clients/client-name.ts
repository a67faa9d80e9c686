const MAX_CODE_POINTS = 120

// Control, format (bidi, zero-width, tags), private, unassigned and half characters, and letters that
// draw nothing, such as the Hangul filler: what a consent page shows must be what the name says.
const INVISIBLE = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu
// More marks than this on one letter cover the lines above and below.
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu

/**
 * Cleans the name of a client for showing it to a person: invisible characters removed, blanks
 * collapsed, cut at 120 code points. Look-alike letters stay, so the host is always shown beside it.
 *
 * @returns `undefined` when nothing visible is left.
 */
export function cleanClientName(name: string): string | undefined {
  const visible = name
    .replace(/[\t\n\v\f\r]/g, ' ')
    .replace(INVISIBLE, '')
    .normalize('NFC')
    .replace(STACKED_MARKS, '$1')
    .replace(/\s+/g, ' ')
    .trim()
  const cut = [...visible].slice(0, MAX_CODE_POINTS).join('').trim()
  return cut === '' ? undefined : cut
}
