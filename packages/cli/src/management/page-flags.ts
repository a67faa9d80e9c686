import { Option } from 'commander'
import * as z from 'zod/mini'
import { countUpTo } from '../flags.js'

const MOST_ROWS = 1000

/** Flags of commands that list. */
export function pageFlags(): Option[] {
  return [
    new Option('--limit <rows>', 'at most this many, up to 1000')
      .argParser(countUpTo(MOST_ROWS))
      .default(100),
    new Option('--after <id>', 'begin behind this one, the last of the page before'),
  ]
}

/** Members of {@link pageFlags}. */
export const pageOptions = {
  limit: z.number(),
  after: z.optional(z.string()),
}

/** What is refused about a page, in the words of the command line. */
export const PAGE_NAMES = { after: '--after', limit: '--limit' } as const
