import * as z from 'zod'
import type { CodaPageMutation } from '../coda/page-calls.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import type { ToolContext } from './tool.js'

export const PageWriteOutput = z.object({ ...MutationOutput.shape, pageId: z.string() })
export type PageWriteOutput = z.infer<typeof PageWriteOutput>

/** Finishes a change of a page: waits when asked to. `what` names it: "Creation of page". */
export async function settlePageWrite(
  context: ToolContext<{ readonly wait: boolean }>,
  what: string,
  { requestId, id }: CodaPageMutation,
): Promise<{ structured: PageWriteOutput; text: string }> {
  const mutation = await settleMutation(context, requestId)
  return {
    structured: { ...mutation, pageId: id },
    text: describeMutation(`${what} ${id}`, mutation),
  }
}
