import type { CodaListPage } from '../coda/inputs.js'
import type { ToolContext } from './tool.js'

// Clients give up on a call after a minute or so.
const readSeconds = 40
const mostItems = 20_000

/** All items of a list, or as many as could be read in time. */
export interface ReadAll<Source> {
  readonly items: readonly Source[]
  /** Whether the end of the list was reached. */
  readonly complete: boolean
}

/** Reads lists to their end; all lists of one reader share its deadline. */
export interface AllReader {
  /** @throws what `read` throws for the first page; a later failure ends the list there. */
  readAll<Source>(
    read: (
      pageToken: string | undefined,
      call: ToolContext<unknown>['call'],
    ) => Promise<CodaListPage<Source>>,
  ): Promise<ReadAll<Source>>
}

/** Creates a reader whose deadline, 40 seconds, starts now. It also stops when the server shuts down. */
export function createAllReader(
  context: Pick<ToolContext<unknown>, 'coda' | 'call' | 'shuttingDown' | 'reportProgress'>,
): AllReader {
  const { coda, call, shuttingDown, reportProgress } = context
  const deadlineAt = coda.clock.now() + readSeconds * 1_000

  return {
    async readAll<Source>(
      read: (
        pageToken: string | undefined,
        call: typeof context.call,
      ) => Promise<CodaListPage<Source>>,
    ): Promise<ReadAll<Source>> {
      const items: Source[] = []
      let pageToken: string | undefined
      for (;;) {
        const leftMs = deadlineAt - coda.clock.now()
        if (pageToken !== undefined && (leftMs <= 0 || shuttingDown.aborted)) break
        let page: CodaListPage<Source>
        try {
          page = await read(pageToken, { ...call, deadlineMs: Math.max(1, leftMs) })
        } catch (error) {
          call.signal?.throwIfAborted()
          if (pageToken === undefined) throw error
          break
        }
        items.push(...page.items)
        if (page.nextPageToken === undefined) return { items, complete: true }
        // A list that repeats itself would otherwise be read until the deadline.
        if (page.nextPageToken === pageToken || items.length >= mostItems) break
        pageToken = page.nextPageToken
        await reportProgress(`Read ${items.length} items`)
      }
      return { items, complete: false }
    },
  }
}

/** Says of a count or a search that it does not cover everything. */
export function describeCut(what: string): string {
  return `Not all ${what} could be read in time: there may be more.`
}
