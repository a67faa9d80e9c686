/** Numbers from a seed, so that a mutant can be made again from three integers. */
export interface Draw {
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number
  pick<Item>(items: readonly [Item, ...Item[]]): Item
}

/** Creates the numbers of one seed (mulberry32: small, and the same in every version of Node.js). */
export function createDraw(seed: number): Draw {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { below, pick: (items) => items[below(items.length)] ?? items[0] }
}

/** Makes another text of a token. It may happen to make the same one. */
export type TextMutation = (token: string, draw: Draw) => string

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/='
const character = (draw: Draw) => ALPHABET.charAt(draw.below(ALPHABET.length))
const splice = (text: string, at: number, removed: number, added = '') =>
  text.slice(0, at) + added + text.slice(at + removed)

function randomText(draw: Draw): string {
  let text = ''
  for (let length = 1 + draw.below(80); length > 0; length--) text += character(draw)
  return text
}

/** Changes that need to know nothing about a token. */
export const TEXT_MUTATIONS: Readonly<Record<string, TextMutation>> = {
  'one bit of the text': (token, draw) => {
    const at = draw.below(token.length)
    const code = token.charCodeAt(at) ^ (1 << draw.below(8))
    return splice(token, at, 1, String.fromCharCode(code))
  },
  'one character replaced': (token, draw) =>
    splice(token, draw.below(token.length), 1, character(draw)),
  'one character inserted': (token, draw) =>
    splice(token, draw.below(token.length + 1), 0, character(draw)),
  'one character removed': (token, draw) => splice(token, draw.below(token.length), 1),
  'two characters changed places': (token, draw) => {
    const at = draw.below(token.length - 1)
    return splice(token, at, 2, token.charAt(at + 1) + token.charAt(at))
  },
  'cut off': (token, draw) => token.slice(0, 1 + draw.below(token.length - 1)),
  'cut off in front': (token, draw) => token.slice(1 + draw.below(token.length - 1)),
  extended: (token, draw) =>
    token + draw.pick(['=', '==', '.', 'A', 'AA', 'AAAA', '%00', '%3D', '..', token, `.${token}`]),
  'letters in another case': (token, draw) => {
    const at = draw.below(token.length)
    const letter = token.charAt(at)
    const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
    return draw.below(8) === 0 ? token.toLowerCase() : splice(token, at, 1, other)
  },
  'segments in another order': (token, draw) => {
    const segments = token.split('.')
    const at = draw.below(segments.length)
    const to = draw.below(segments.length)
    return segments
      .with(at, segments[to] ?? '')
      .with(to, segments[at] ?? '')
      .join('.')
  },
  'a segment left out, emptied or said twice': (token, draw) => {
    const segments = token.split('.')
    const at = draw.below(segments.length)
    const one = segments[at] ?? ''
    const added = draw.pick<readonly string[]>([[], [''], [one, one], [one, ''], ['', one]])
    return segments.toSpliced(at, 1, ...added).join('.')
  },
  'any text': (_token, draw) => randomText(draw),
}
