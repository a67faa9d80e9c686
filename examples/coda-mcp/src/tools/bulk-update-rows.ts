import * as z from 'zod'
import { CodaError } from '../coda/errors.js'
import { cellsOf, values } from './cell-inputs.js'
import { disableParsing, docId, rowIdOrName, tableIdOrName, wait } from './inputs.js'
import { arrayOrJson } from './json-array.js'
import { waitForMutation, waitSeconds } from './mutation.js'
import { defineTool, type ToolContext } from './tool.js'

// Clients give up on a call after a minute or so; the wait comes on top of it.
const sendSeconds = 25

const UpdateResult = z.object({
  rowIdOrName: z.string(),
  status: z
    .enum(['completed', 'queued', 'failed', 'skipped'])
    .describe('queued: accepted, not confirmed yet; skipped: not sent'),
  rowId: z.string().optional(),
  requestId: z.string().optional(),
  error: z.string().optional(),
})
type UpdateResult = z.infer<typeof UpdateResult>

const inputSchema = z.object({
  docId,
  tableIdOrName,
  updates: arrayOrJson(z.array(z.object({ rowIdOrName, values })).min(1).max(100)),
  disableParsing,
  wait,
})
type Context = ToolContext<z.output<typeof inputSchema>>

/** Failures that are about one row; any other would meet the next row as well. */
function isAboutRow({ code }: CodaError): boolean {
  return (
    code === 'coda_not_found' || code === 'coda_request_refused' || code === 'coda_invalid_input'
  )
}

/** Sends one update after the other, until one fails in a way that the others would too. */
async function sendUpdates(context: Context): Promise<UpdateResult[]> {
  const { input, coda, call, shuttingDown, reportProgress } = context
  const { docId, tableIdOrName, updates, disableParsing } = input
  const deadlineAt = coda.clock.now() + sendSeconds * 1_000
  const results: UpdateResult[] = []
  let stopped = false
  for (const { rowIdOrName, values } of updates) {
    const leftMs = deadlineAt - coda.clock.now()
    if (stopped || leftMs <= 0 || shuttingDown.aborted) {
      results.push({ rowIdOrName, status: 'skipped' })
      continue
    }
    try {
      const { requestId, id } = await coda.updateRow(
        { docId, tableIdOrName, rowIdOrName, row: { cells: cellsOf(values) }, disableParsing },
        { ...call, deadlineMs: leftMs },
      )
      results.push({ rowIdOrName, status: 'queued', rowId: id, requestId })
    } catch (error) {
      // With nothing done yet the call as a whole has failed, and says how.
      if (!(error instanceof CodaError) || (!isAboutRow(error) && results.length === 0)) throw error
      stopped = !isAboutRow(error)
      results.push({ rowIdOrName, status: 'failed', error: error.message })
    }
    await reportProgress(`Sent ${results.length} of ${updates.length} updates`)
  }
  return results
}

/** Waits for all accepted updates within one deadline. */
async function settle(context: Context, results: readonly UpdateResult[]): Promise<UpdateResult[]> {
  const deadlineAt = context.coda.clock.now() + waitSeconds * 1_000
  const settled: UpdateResult[] = []
  for (const result of results) {
    const seconds = (deadlineAt - context.coda.clock.now()) / 1_000
    if (result.requestId === undefined || seconds <= 0) settled.push(result)
    else {
      const { status } = await waitForMutation(context, result.requestId, seconds)
      settled.push({ ...result, status })
    }
  }
  return settled
}

function countOf(results: readonly UpdateResult[], status: UpdateResult['status']): number {
  return results.filter((result) => result.status === status).length
}

export const bulkUpdateRows = defineTool({
  name: 'coda_bulk_update_rows',
  title: 'Update several Coda rows',
  description:
    'Overwrites the named cells of several rows, each with values of its own. Coda takes one row per request, so this is slow and rate limited: where a column identifies the rows, coda_upsert_rows with keyColumns does it in one request.',
  inputSchema,
  outputSchema: z.object({
    results: z.array(UpdateResult).describe('One for each update, in the same order'),
    succeeded: z.number(),
    failed: z.number(),
    skipped: z.number(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['updateRow'],
  async run(context) {
    const sent = await sendUpdates(context)
    const results = context.input.wait ? await settle(context, sent) : sent
    const [failed, skipped, queued] = [
      countOf(results, 'failed'),
      countOf(results, 'skipped'),
      countOf(results, 'queued'),
    ]
    const succeeded = results.length - failed - skipped
    const lines = [
      `${succeeded} of ${results.length} updates accepted, ${succeeded - queued} of them applied.`,
      ...(queued === 0
        ? []
        : ['The others are queued; check with coda_wait_for_mutation and their requestId.']),
      ...(skipped === 0 ? [] : [`${skipped} were not sent: call again with these.`]),
      ...results.map(({ rowIdOrName, status, requestId, error }) =>
        [JSON.stringify(rowIdOrName), status, requestId, error]
          .filter((part) => part !== undefined)
          .join(' '),
      ),
    ]
    return { structured: { results, succeeded, failed, skipped }, text: lines.join('\n') }
  },
})
