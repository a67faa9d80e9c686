import * as z from 'zod'
import type { RowEdit } from '../coda/inputs.js'
import { checkRowIds } from './cell-inputs.js'
import { describeMutation, MutationOutput, settleMutation } from './mutation.js'
import type { ToolContext, ToolOutput } from './tool.js'

export const AddedRowsOutput = z.object({
  ...MutationOutput.shape,
  addedRowIds: z.array(z.string()).describe('Empty when keyColumns was given'),
})

interface AddRowsInput {
  readonly docId: string
  readonly tableIdOrName: string
  readonly keyColumns?: readonly string[] | undefined
  readonly rowIds?: readonly string[] | undefined
  readonly disableParsing?: boolean | undefined
  readonly wait: boolean
}

/** Sends rows for the tools that add or update several. */
export async function addRows(
  context: ToolContext<AddRowsInput>,
  rows: readonly RowEdit[],
): Promise<ToolOutput<z.output<typeof AddedRowsOutput>>> {
  const { input, coda, call } = context
  const { docId, tableIdOrName, keyColumns, rowIds, disableParsing } = input
  checkRowIds(rowIds, rows.length)
  const edit = {
    ...{ docId, tableIdOrName, rows, rowIds, disableParsing },
    // No key columns and an empty list mean the same: every row is new.
    keyColumns: keyColumns?.length === 0 ? undefined : keyColumns,
  }
  const { requestId, addedRowIds = [] } = await coda.upsertRows(edit, call)
  const mutation = await settleMutation(context, requestId)
  const what = `Upsert of ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`
  const added = addedRowIds.length === 0 ? '' : ` New row ids: ${addedRowIds.join(', ')}.`
  return {
    structured: { ...mutation, addedRowIds },
    text: `${describeMutation(what, mutation)}${added}`,
  }
}
