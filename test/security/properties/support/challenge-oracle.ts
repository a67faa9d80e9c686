/** A challenge, read strictly. */
export interface ParsedChallenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const TCHAR = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/

/** RFC 6750 section 3: the characters that the value of an attribute may have. */
function isValueCharacter(code: number): boolean {
  return (
    code === 0x20 ||
    code === 0x21 ||
    (code >= 0x23 && code <= 0x5b) ||
    (code >= 0x5d && code <= 0x7e)
  )
}

/**
 * Reads one challenge as RFC 9110 section 11.6.1 writes it, with all values quoted, character by
 * character. Stricter than any client: what it takes, every client takes.
 *
 * @throws Error naming the place, for anything else.
 */
export function parseChallenge(field: string): ParsedChallenge {
  let at = 0
  const fail = (what: string): never => {
    throw new Error(`${what} at ${at} of ${JSON.stringify(field)}`)
  }
  const word = (): string => {
    const start = at
    while (at < field.length && TCHAR.test(field.charAt(at))) at++
    return at === start ? fail('no word') : field.slice(start, at)
  }
  const take = (text: string): void => {
    if (!field.startsWith(text, at)) fail(`no ${JSON.stringify(text)}`)
    at += text.length
  }

  const scheme = word()
  const parameters = new Map<string, string>()
  while (at < field.length) {
    take(parameters.size === 0 ? ' ' : ', ')
    const name = word()
    if (parameters.has(name)) fail(`${name} again`)
    take('="')
    const start = at
    while (at < field.length && isValueCharacter(field.charCodeAt(at))) at++
    parameters.set(name, field.slice(start, at))
    take('"')
  }
  return { scheme, parameters }
}
