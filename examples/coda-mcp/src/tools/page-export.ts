import { CodaError, CodaResponseError } from '../coda/errors.js'
import type { CodaExportStatus, PageFormat } from '../coda/page-calls.js'
import { pause, type WaitContext } from './mutation.js'
import { createTurns } from './turns.js'

/** Page whose content is exported. */
export interface PageToExport {
  readonly docId: string
  readonly pageIdOrName: string
  readonly outputFormat: PageFormat
}

/** An export, finished or still under way; `exportId` goes on with it. */
export interface PageExport {
  readonly exportId: string
  /** Absent when the time was up, or the server shut down, before Coda had finished. */
  readonly content: string | undefined
}

/** How long one call waits for an export, in seconds: most clients give up after 60. */
export const exportSeconds = 40

const firstPollMs = 1_000
const longestPollMs = 4_000
/** For how long a 404 can mean that Coda has not registered the export yet. */
const unknownMs = 15_000
const mostStaleLinks = 2

const turns = createTurns()

/** `undefined` when Coda has nothing to say yet. */
async function readStatus(
  { coda, call }: WaitContext,
  page: PageToExport & { readonly exportId: string },
  options: { readonly deadlineMs: number; readonly mayBeUnknown: boolean },
): Promise<CodaExportStatus | undefined> {
  try {
    return await coda.pageExportStatus(page, { ...call, deadlineMs: options.deadlineMs })
  } catch (error) {
    if (!(error instanceof CodaError)) throw error
    const isUnknown = error.code === 'coda_not_found'
    if (error.retryable || (isUnknown && options.mayBeUnknown)) return undefined
    if (!isUnknown) throw error
    throw new CodaError(
      'coda_not_found',
      'Coda does not know this export of the page, or has forgotten it. Repeat the call without nextPageToken to export the page again.',
      { retryable: false, status: 404, cause: error },
    )
  }
}

function exportFailed(error: string, token: string): CodaError {
  const said = error.replaceAll(token, '[redacted]').slice(0, 300)
  return new CodaError(
    'coda_unavailable',
    `Coda could not export the page. Coda’s message: ${JSON.stringify(said)}. It may be retried once; outputFormat "text" works without an export.`,
    { retryable: true },
  )
}

/**
 * Waits for an export that was begun, and downloads it. Links run out, so a stale one is replaced by
 * asking the status again. Running out of time is not an error.
 *
 * @throws CodaError when Coda reports a failure, or has forgotten the export.
 */
export async function finishExport(
  context: WaitContext,
  page: PageToExport & { readonly exportId: string },
  seconds: number = exportSeconds,
): Promise<PageExport> {
  const { coda, call, reportProgress } = context
  const { exportId } = page
  const startedAt = coda.clock.now()
  const leftMs = (): number => startedAt + seconds * 1_000 - coda.clock.now()
  let staleLinks = 0
  for (let pollMs = firstPollMs; leftMs() > 0; pollMs = Math.min(longestPollMs, pollMs * 1.5)) {
    const status = await readStatus(context, page, {
      deadlineMs: leftMs(),
      mayBeUnknown: coda.clock.now() < startedAt + unknownMs,
    })
    if (status?.error !== undefined) throw exportFailed(status.error, call.token)
    const link = status?.downloadLink
    if (link !== undefined && leftMs() > 0) {
      const download = await coda.downloadExport({ link }, { ...call, deadlineMs: leftMs() })
      if (download.kind === 'content') return { exportId, content: download.content }
      staleLinks += 1
      if (staleLinks > mostStaleLinks) {
        throw new CodaResponseError('the export of the page', 'links that do not work', 200)
      }
    }
    await reportProgress('Coda is exporting the page')
    const pauseMs = Math.min(pollMs, leftMs())
    if (pauseMs <= 0 || !(await pause(context, pauseMs))) break
  }
  return { exportId, content: undefined }
}

/**
 * Exports a page and downloads it. Exports of one page at a time spoil each other, so they wait for each
 * other within this process. `page` has to be named by ids, since a name would be another page here.
 *
 * @throws CodaError also when the turn of this export did not come in time.
 */
export async function exportPage(context: WaitContext, page: PageToExport): Promise<PageExport> {
  const { coda, call, shuttingDown } = context
  const startedAt = coda.clock.now()
  const timeout = AbortSignal.timeout(exportSeconds * 1_000)
  const signals = [timeout, shuttingDown, ...(call.signal === undefined ? [] : [call.signal])]
  let begun = false
  try {
    return await turns.run(
      `${page.docId}/${page.pageIdOrName}`,
      AbortSignal.any(signals),
      async () => {
        begun = true
        const { id } = await coda.beginPageExport(page, call)
        const seconds = exportSeconds - (coda.clock.now() - startedAt) / 1_000
        return await finishExport(context, { ...page, exportId: id }, seconds)
      },
    )
  } catch (error) {
    call.signal?.throwIfAborted()
    if (begun) throw error
    throw new CodaError(
      'coda_unavailable',
      'The page was not exported, because another export of it is running or the server is shutting down. Repeat the call in a moment.',
      { retryable: true, cause: error },
    )
  }
}
