/** One request as far as the grammar of its credentials is concerned. */
export interface GrammarCase {
  /** Values of the `Authorization` fields, in the order in which they were sent. */
  readonly fields: readonly string[]
  readonly target: string
}

/** What RFC 6750 and the response contract make of it. */
export type GrammarAnswer =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly token: string }
  | { readonly kind: 'malformed'; readonly status: 400 | 401 }

const TCHAR_MARKS = "!#$%&'*+-.^_`|~"
const B64TOKEN_MARKS = '-._~+/'

function isAlphanumeric(character: string): boolean {
  const code = character.charCodeAt(0)
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a)
  )
}

const isTokenCharacter = (character: string) =>
  isAlphanumeric(character) || TCHAR_MARKS.includes(character)

/** RFC 6750 section 2.1: `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`. */
function isB64Token(text: string): boolean {
  let at = 0
  while (
    at < text.length &&
    (isAlphanumeric(text.charAt(at)) || B64TOKEN_MARKS.includes(text.charAt(at)))
  )
    at++
  if (at === 0) return false
  while (at < text.length && text.charAt(at) === '=') at++
  return at === text.length
}

/** Reads `application/x-www-form-urlencoded` by hand, as far as the names of its parameters. */
function queryNames(target: string): readonly string[] {
  const start = target.indexOf('?')
  if (start === -1) return []
  return target
    .slice(start + 1)
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const name = pair.split('=', 1)[0] ?? ''
      let decoded = ''
      for (let at = 0; at < name.length; at++) {
        const hex = name.slice(at + 1, at + 3)
        if (name.charAt(at) === '%' && hex.length === 2 && [...hex].every(isHexDigit)) {
          decoded += String.fromCharCode(Number.parseInt(hex, 16))
          at += 2
        } else {
          decoded += name.charAt(at) === '+' ? ' ' : name.charAt(at)
        }
      }
      return decoded
    })
}

function isHexDigit(character: string): boolean {
  return '0123456789abcdefABCDEF'.includes(character)
}

/**
 * Judges by hand, one character after the other, what the implementation judges by regular
 * expressions. Written from the grammar, not from the implementation:
 *
 * - RFC 9110 section 11.4: `credentials = auth-scheme [ 1*SP ( token68 / #auth-param ) ]`, the scheme
 *   without case; RFC 6750 section 2.1: `"Bearer" 1*SP b64token`.
 * - Two fields, or two values in one (a comma), are a repeated credential: 400.
 * - A token in the query beside a well-formed header is a second method: 400; alone it is none.
 * - No field, an empty one, and any other scheme are no credential.
 */
export function judgeAuthorization({ fields, target }: GrammarCase): GrammarAnswer {
  const [field] = fields
  if (field === undefined) return { kind: 'absent' }
  if (fields.length > 1) return { kind: 'malformed', status: 400 }

  let end = 0
  while (end < field.length && isTokenCharacter(field.charAt(end))) end++
  if (field.slice(0, end).toLowerCase() !== 'bearer') return { kind: 'absent' }
  let start = end
  while (field.charAt(start) === ' ') start++
  const token = field.slice(start)
  if (start === end || !isB64Token(token)) {
    return { kind: 'malformed', status: field.includes(',') ? 400 : 401 }
  }
  if (queryNames(target).includes('access_token')) return { kind: 'malformed', status: 400 }
  return { kind: 'present', token }
}
