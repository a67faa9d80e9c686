import { StoreInvalidError } from '@bestviable/mcp-auth-middleware'

// PostgreSQL takes neither in text.
const NOT_STORABLE = /[\0\p{Cs}]/u
const NOT_STORABLE_ALL = /[\0\p{Cs}]/gu

/** Tells whether a text can stand in a column, and in an index. */
export function isStorable(text: string, maximum = 2048): boolean {
  return text.length <= maximum && !NOT_STORABLE.test(text)
}

/** Brings a text that is only shown into a form that can be stored. */
export function toStorable(text: string | undefined, maximum: number): string | null {
  return text?.slice(0, maximum).replace(NOT_STORABLE_ALL, '\u{fffd}') ?? null
}

/** Refuses a text that names something and cannot be stored as it is. */
export function requireStorable(text: string, what: string, maximum: number): string {
  if (text !== '' && isStorable(text, maximum)) return text
  throw new StoreInvalidError(
    `${what} must be 1 to ${maximum} characters without NUL or lone surrogates`,
  )
}
