import * as z from 'zod'
import { CodaError } from '../coda/errors.js'
import type { CodaPage } from '../coda/schemas.js'
import { docId, nextPageToken } from './inputs.js'
import { formatPlace, maxOutputCharacters, parsePlace } from './list-output.js'
import { describePage, PageOutput, projectPage } from './page-output.js'
import { defineTool, reads, type ToolContext } from './tool.js'

/** How long one call searches, in seconds: most clients give up after 60. */
const searchSeconds = 25

const contextCharacters = 80

const FoundPage = z.object({
  ...PageOutput.shape,
  matches: z.array(z.enum(['name', 'subtitle', 'content'])),
  excerpt: z.string().optional().describe('Where the content matches'),
})
type FoundPage = z.infer<typeof FoundPage>

type SearchContext = ToolContext<{
  readonly docId: string
  readonly query: string
  readonly includeContent: boolean
  readonly nextPageToken?: string | undefined
}>

/** An excerpt around the first match in the text of a page. `undefined` without one. */
async function findInContent(
  { input, coda, call }: SearchContext,
  page: CodaPage,
  deadlineAt: number,
): Promise<string | undefined> {
  if (!input.includeContent || page.contentType !== 'canvas') return undefined
  const wanted = input.query.toLowerCase()
  let pageToken: string | undefined
  try {
    do {
      const deadlineMs = Math.max(1, deadlineAt - coda.clock.now())
      const list = await coda.listPageContent(
        { docId: input.docId, pageIdOrName: page.id, limit: 500, pageToken },
        { ...call, deadlineMs },
      )
      for (const { itemContent } of list.items) {
        const text = itemContent?.content ?? ''
        const place = text.toLowerCase().indexOf(wanted)
        if (place === -1) continue
        const begin = Math.max(0, place - contextCharacters)
        return text.slice(begin, place + wanted.length + contextCharacters)
      }
      pageToken = list.nextPageToken
    } while (pageToken !== undefined)
  } catch (error) {
    // A page that was deleted meanwhile is no reason to end the search.
    const isGone =
      error instanceof CodaError && (error.code === 'coda_gone' || error.code === 'coda_not_found')
    if (!isGone) throw error
  }
  return undefined
}

async function matchPage(
  context: SearchContext,
  page: CodaPage,
  deadlineAt: number,
): Promise<FoundPage | undefined> {
  const wanted = context.input.query.toLowerCase()
  const matches: FoundPage['matches'] = []
  if (page.name.toLowerCase().includes(wanted)) matches.push('name')
  if (page.subtitle?.toLowerCase().includes(wanted) === true) matches.push('subtitle')
  const excerpt = await findInContent(context, page, deadlineAt)
  if (excerpt !== undefined) matches.push('content')
  if (matches.length === 0) return undefined
  return { ...projectPage(page), matches, ...(excerpt === undefined ? {} : { excerpt }) }
}

/** Searches on from the place of the token until the end, or until time or room run out. */
async function search(context: SearchContext): Promise<{
  readonly items: FoundPage[]
  readonly searched: number
  readonly next: string | undefined
}> {
  const { input, coda, call, shuttingDown, reportProgress } = context
  const deadlineAt = coda.clock.now() + searchSeconds * 1_000
  const items: FoundPage[] = []
  let searched = 0
  let size = 0
  let { pageToken, skip } = parsePlace(input.nextPageToken)
  try {
    do {
      const list = await coda.listPages({ docId: input.docId, limit: 100, pageToken }, call)
      for (const page of list.items.slice(skip)) {
        const isOver = coda.clock.now() >= deadlineAt || shuttingDown.aborted
        if (searched > 0 && (isOver || size > maxOutputCharacters)) {
          return { items, searched, next: formatPlace({ pageToken, skip }) }
        }
        const found = await matchPage(context, page, deadlineAt)
        if (found !== undefined) {
          items.push(found)
          size += JSON.stringify(found).length
        }
        searched += 1
        skip += 1
      }
      await reportProgress(`Searched ${searched} pages`)
      pageToken = list.nextPageToken
      skip = 0
    } while (pageToken !== undefined)
  } catch (error) {
    // What was found so far is worth more than the error; the next call meets it again.
    if (!(error instanceof CodaError && error.retryable && searched > 0)) throw error
    return { items, searched, next: formatPlace({ pageToken, skip }) }
  }
  return { items, searched, next: undefined }
}

export const searchPages = defineTool({
  name: 'coda_search_pages',
  title: 'Search pages of a Coda doc',
  description:
    'Finds the pages of a doc whose name or subtitle contains a text, or with includeContent also those whose text does. Coda has no search: this reads one page after the other.',
  inputSchema: z.object({
    docId,
    query: z.string().min(1).describe('Text to find, in any case'),
    includeContent: z
      .boolean()
      .default(false)
      .describe('Search the text of the pages too: one request per page'),
    nextPageToken,
  }),
  outputSchema: z.object({
    items: z.array(FoundPage),
    searched: z.number().describe('How many pages were searched by this call'),
    nextPageToken: z.string().optional().describe('Present when pages are left to search'),
  }),
  annotations: reads,
  operations: ['listPages', 'listPageContent'],
  async run(context) {
    const { items, searched, next } = await search(context)
    const lines = items.map(
      ({ excerpt, ...page }) =>
        `${describePage(page)}, matches in ${page.matches.join(' and ')}${excerpt === undefined ? '' : `: ${JSON.stringify(excerpt)}`}`,
    )
    if (items.length === 0) lines.push(`No matches in ${searched} pages.`)
    if (next !== undefined) {
      lines.push(
        `Searched ${searched} pages, not all: repeat the call with nextPageToken ${JSON.stringify(next)} to search on.`,
      )
    }
    return {
      structured: { items, searched, ...(next === undefined ? {} : { nextPageToken: next }) },
      text: lines.join('\n'),
    }
  },
})
