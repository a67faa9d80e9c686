import * as z from 'zod'
import type { CodaPageContentItem } from '../coda/schemas.js'

/** A line of a page, as text. */
export const Line = z.object({
  id: z.string().describe('Takes the place of elementId in writing tools'),
  style: z.string(),
  level: z.number().optional(),
  text: z.string(),
})
export type Line = z.infer<typeof Line>

export function projectLine({ id, itemContent }: CodaPageContentItem): Line {
  return {
    id,
    style: itemContent?.style ?? 'other',
    level: itemContent?.lineLevel,
    text: itemContent?.content ?? '',
  }
}

const prefixes: Readonly<Record<string, string>> = {
  h1: '# ',
  h2: '## ',
  h3: '### ',
  blockQuote: '> ',
  pullQuote: '> ',
  bulletedList: '- ',
  checkboxList: '- ',
  collapsibleList: '- ',
  numberedList: '1. ',
}

export function describeLine({ style, level, text }: Line): string {
  return `${'  '.repeat(Math.min(level ?? 0, 12))}${prefixes[style] ?? ''}${text}`
}
