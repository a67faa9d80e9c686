import { CodaInputError } from '../coda/errors.js'
import { maxOutputCharacters } from './list-output.js'

/** A part of a long text, and where the next one begins. */
export interface TextPart {
  readonly text: string
  /** Absent at the end. */
  readonly nextOffset: number | undefined
}

/** End of the part: behind the last line break or, in one long line, behind the last tag or character. */
function endOfPart(text: string, offset: number, limit: number): number {
  const end = offset + limit
  if (end >= text.length) return text.length
  for (const mark of ['\n', '>']) {
    const last = text.lastIndexOf(mark, end - 1)
    if (last >= offset) return last + 1
  }
  // The halves of a surrogate pair stay together.
  const isFirstHalf = /[\uD800-\uDBFF]/.test(text.charAt(end - 1))
  return isFirstHalf && end - 1 > offset ? end - 1 : end
}

/**
 * Takes the part of a text that begins at `offset`, cut at a line.
 *
 * @throws {@link CodaInputError} when the text ends before `offset`.
 */
export function cutText(
  text: string,
  offset: number,
  maxCharacters: number = maxOutputCharacters,
): TextPart {
  if (offset > 0 && offset >= text.length) {
    throw new CodaInputError(
      'This nextPageToken does not fit the other inputs. Start again without nextPageToken.',
    )
  }
  const end = endOfPart(text, offset, maxCharacters)
  return {
    text: text.slice(offset, end),
    nextOffset: end < text.length ? end : undefined,
  }
}
