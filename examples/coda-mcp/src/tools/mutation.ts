import * as z from 'zod'
import type { CodaClient } from '../coda/coda-client.js'
import { CodaError } from '../coda/errors.js'
import type { CodaCall } from '../coda/transport.js'
import type { ToolContext } from './tool.js'

/** Where a queued change stands. Coda reports no failures, so there is no third state. */
export const MutationOutput = z.object({
  status: z.enum(['completed', 'queued']).describe('queued means: accepted, not confirmed yet'),
  requestId: z.string().describe('Pass it to coda_wait_for_mutation to learn the outcome'),
  warning: z.string().optional(),
})
export type MutationOutput = z.infer<typeof MutationOutput>

/** How long the `wait` input of a write waits, in seconds. */
export const waitSeconds = 30

const firstPollMs = 1_000
const longestPollMs = 4_000

/** What waiting needs of the context of a tool. */
export type WaitContext = Pick<
  ToolContext<unknown>,
  'coda' | 'call' | 'shuttingDown' | 'reportProgress'
>

/** Sleeps, and tells whether waiting should go on: not when the server is shutting down. */
export async function pause(
  context: Pick<WaitContext, 'coda' | 'call' | 'shuttingDown'>,
  ms: number,
): Promise<boolean> {
  const { coda, call, shuttingDown } = context
  if (shuttingDown.aborted) return false
  const signals = call.signal === undefined ? [shuttingDown] : [shuttingDown, call.signal]
  try {
    await coda.clock.sleep(ms, AbortSignal.any(signals))
    return true
  } catch (error) {
    call.signal?.throwIfAborted()
    if (shuttingDown.aborted) return false
    throw error
  }
}

async function readStatus(
  coda: CodaClient,
  requestId: string,
  call: CodaCall,
): Promise<{ completed: boolean; warning?: string | undefined }> {
  try {
    return await coda.mutationStatus({ requestId }, call)
  } catch (error) {
    // An outage or a change that Coda has not registered yet says nothing about its outcome.
    const passing =
      error instanceof CodaError && (error.retryable || error.code === 'coda_not_found')
    if (!passing) throw error
    return { completed: false }
  }
}

/**
 * Polls until Coda has applied the change or `seconds` have passed. Running out of time is not an
 * error: the change stays queued.
 */
export async function waitForMutation(
  context: WaitContext,
  requestId: string,
  seconds: number,
): Promise<MutationOutput> {
  const { coda, call } = context
  const deadlineAt = coda.clock.now() + seconds * 1_000
  for (let pollMs = firstPollMs; ; pollMs = Math.min(longestPollMs, pollMs * 1.5)) {
    const leftMs = deadlineAt - coda.clock.now()
    if (leftMs <= 0) break
    const { completed, warning } = await readStatus(coda, requestId, {
      ...call,
      deadlineMs: leftMs,
    })
    if (completed) {
      return { status: 'completed', requestId, ...(warning === undefined ? {} : { warning }) }
    }
    await context.reportProgress('Coda has not applied the change yet')
    const pauseMs = Math.min(pollMs, deadlineAt - coda.clock.now())
    if (pauseMs <= 0 || !(await pause(context, pauseMs))) break
  }
  return { status: 'queued', requestId }
}

/** Finishes a write: waits when asked to, otherwise reports it as queued. */
export async function settleMutation(
  context: ToolContext<{ readonly wait: boolean }>,
  requestId: string,
): Promise<MutationOutput> {
  if (!context.input.wait) return { status: 'queued', requestId }
  return await waitForMutation(context, requestId, waitSeconds)
}

/** The state of a change in words. `what` names it: "Upsert of 2 rows". */
export function describeMutation(
  what: string,
  { status, requestId, warning }: MutationOutput,
): string {
  if (status === 'completed') {
    return `${what}: applied.${warning === undefined ? '' : ` Coda warns: ${JSON.stringify(warning)}`}`
  }
  return `${what}: queued, not confirmed. Coda usually applies it within half a minute; do not repeat it. Check with coda_wait_for_mutation and requestId ${JSON.stringify(requestId)}.`
}
