import * as z from 'zod'
import type { CodaPageContentItem } from '../coda/schemas.js'
import { docId, nextPageToken, pageIdOrName } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { defineTool, reads } from './tool.js'

const Line = z.object({
  id: z.string(),
  style: z.string(),
  level: z.number().optional(),
  text: z.string(),
})
type Line = z.infer<typeof Line>

function projectLine({ id, itemContent }: CodaPageContentItem): Line {
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

function describeLine({ style, level, text }: Line): string {
  return `${'  '.repeat(Math.min(level ?? 0, 12))}${prefixes[style] ?? ''}${text}`
}

export const getPageContent = defineTool({
  name: 'coda_get_page_content',
  title: 'Read a Coda page',
  description:
    'Reads the text of a canvas page, line by line. Tables in the page are not part of it: read them with coda_list_rows.',
  inputSchema: z.object({
    docId,
    pageIdOrName,
    limit: z.int().min(1).max(500).default(200).describe('Largest number of lines to return'),
    nextPageToken,
  }),
  outputSchema: listSchema(Line),
  annotations: reads,
  async run({ input: { nextPageToken, ...query }, coda, call }) {
    return await readList({
      what: 'lines',
      nextPageToken,
      read: async (pageToken) => await coda.listPageContent({ ...query, pageToken }, call),
      project: projectLine,
      describe: describeLine,
    })
  },
})
