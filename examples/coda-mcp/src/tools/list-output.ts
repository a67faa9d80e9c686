import * as z from 'zod'
import { CodaInputError } from '../coda/errors.js'
import type { CodaListPage } from '../coda/inputs.js'

// About a quarter of the context of a small model; a row in Coda has 85 KB at most.
export const maxOutputCharacters = 60_000

/** Place to go on from: a page of Coda's list, and how many of its items were already returned. */
export interface Place {
  readonly pageToken: string | undefined
  readonly skip: number
}

export function formatPlace(place: Place): string {
  return place.skip === 0 && place.pageToken !== undefined
    ? place.pageToken
    : `skip-${place.skip}.${place.pageToken ?? ''}`
}

export function parsePlace(token: string | undefined): Place {
  if (token === undefined) return { pageToken: undefined, skip: 0 }
  const own = /^skip-(\d{1,6})\.(.*)$/s.exec(token)
  if (own === null) return { pageToken: token, skip: 0 }
  const [, skip, pageToken] = own
  return { pageToken: pageToken === '' ? undefined : pageToken, skip: Number(skip) }
}

/** Output schema of a list. */
export function listSchema<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; nextPageToken: z.ZodOptional<z.ZodString> }> {
  return z.object({
    items: z.array(item),
    nextPageToken: z.string().optional().describe('Present when there is more'),
  })
}

/** A part of a list that fits into one answer. */
export interface ListOutput<Item> {
  readonly structured: { items: Item[]; nextPageToken?: string }
  readonly text: string
}

/**
 * Reads one page and keeps as many whole items as fit into an answer, so that the output is never cut
 * inside an item; `nextPageToken` then continues within the same page of Coda's list.
 *
 * @throws {@link CodaInputError} when the token points behind the end of the page.
 */
export async function readList<Source, Item>(options: {
  /** What the items are, for the text: "rows". */
  readonly what: string
  readonly nextPageToken: string | undefined
  readonly read: (pageToken: string | undefined) => Promise<CodaListPage<Source>>
  readonly project: (source: Source) => Item
  readonly describe: (item: Item) => string
  /** Characters of text per answer. Default 60,000. */
  readonly maxCharacters?: number | undefined
}): Promise<ListOutput<Item>> {
  const { what, read, project, describe, maxCharacters = maxOutputCharacters } = options
  const place = parsePlace(options.nextPageToken)
  const page = await read(place.pageToken)
  if (place.skip > 0 && place.skip >= page.items.length) {
    throw new CodaInputError(
      'This nextPageToken does not fit the other inputs. Start again without nextPageToken.',
    )
  }

  const items: Item[] = []
  const lines: string[] = []
  let size = 0
  for (const source of page.items.slice(place.skip)) {
    const item = project(source)
    const line = describe(item)
    size += Math.max(line.length, JSON.stringify(item).length)
    // One item is always returned, so that reading can go on.
    if (items.length > 0 && size > maxCharacters) break
    items.push(item)
    lines.push(line)
  }

  const returned = place.skip + items.length
  const next =
    returned < page.items.length
      ? formatPlace({ pageToken: place.pageToken, skip: returned })
      : page.nextPageToken
  if (items.length === 0) lines.push(`No ${what}.`)
  if (next !== undefined) {
    lines.push(
      `There are more ${what}: repeat the call with nextPageToken ${JSON.stringify(next)}.`,
    )
  }
  return {
    structured: { items, ...(next === undefined ? {} : { nextPageToken: next }) },
    text: lines.join('\n'),
  }
}
