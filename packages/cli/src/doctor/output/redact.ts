import { maskQuery } from '../http/quote.js'

/** Shorter parts of a secret are words of their own, and say little of it. */
const PART = 8

/** Everything of a run that must not be in its report. */
export interface Secrets {
  /** Tokens and the like. Each part of one is left out too, as an answer may be cut within it. */
  readonly tokens: readonly string[]
  /** The URL that was checked, in whose query can be a key. */
  readonly target: URL
}

function partsOf(tokens: readonly string[]): ReadonlySet<string> {
  const parts = new Set<string>()
  for (const token of tokens) {
    for (let at = 0; at + PART <= token.length; at++) parts.add(token.slice(at, at + PART))
  }
  return parts
}

/** Replaces each stretch of a text that is made of parts. */
function leaveOut(text: string, parts: ReadonlySet<string>): string {
  let shown = ''
  let at = 0
  while (at < text.length) {
    if (!parts.has(text.slice(at, at + PART))) {
      shown += text[at]
      at += 1
      continue
    }
    let end = at + PART
    while (parts.has(text.slice(end - PART + 1, end + 1))) end += 1
    shown += '…'
    at = end
  }
  return shown
}

/** Values of a query as they can come back: as they were sent, and decoded. */
function queryValues({ search, searchParams }: URL): readonly string[] {
  const raw = search
    .slice(1)
    .split('&')
    .map((part) => part.slice(part.indexOf('=') + 1))
  return [...new Set([...raw, ...searchParams.values()])].filter(({ length }) => length >= PART)
}

/** Creates the function that every text of a report goes through. */
export function createRedactor({ tokens, target }: Secrets): (text: string) => string {
  const parts = partsOf(tokens)
  const short = tokens.filter(({ length }) => length > 0 && length < PART)
  const { search } = target
  const values = queryValues(target)
  return (text) => {
    const masked = search === '' ? text : text.replaceAll(search, maskQuery(search))
    const whole = [...values, ...short].reduce(
      (result, value) => result.replaceAll(value, '…'),
      masked,
    )
    return parts.size === 0 ? whole : leaveOut(whole, parts)
  }
}
