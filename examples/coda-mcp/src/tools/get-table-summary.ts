import * as z from 'zod'
import { ColumnOutput, describeColumn, projectColumn } from './column-output.js'
import { docId, tableIdOrName } from './inputs.js'
import { readList } from './list-output.js'
import { createAllReader, describeCut } from './read-all.js'
import { describeRow, projectRow, RowOutput } from './row-output.js'
import { describeTable, projectTable, TableOutput } from './table-output.js'
import { defineTool, reads } from './tool.js'

const ColumnSummary = ColumnOutput.omit({ format: true })

// The columns of a large table must leave room for them.
const sampleCharacters = 20_000

export const getTableSummary = defineTool({
  name: 'coda_get_table_summary',
  title: 'Summarise a Coda table',
  description:
    'Returns a table with its row count, all of its columns and its first rows: enough to know how to read and write it.',
  inputSchema: z.object({
    docId,
    tableIdOrName,
    sampleRows: z.int().min(0).max(20).default(5).describe('Number of rows to show'),
  }),
  outputSchema: z.object({
    table: TableOutput,
    columns: z.array(ColumnSummary),
    sampleRows: z.array(RowOutput).describe('Values are keyed by column name'),
    complete: z.boolean().describe('False when not all columns could be read in time'),
  }),
  annotations: reads,
  operations: ['getTable', 'listColumns', 'listRows'],
  async run(context) {
    const { input, coda, call } = context
    const { docId, tableIdOrName, sampleRows } = input
    const inTable = { docId, tableIdOrName }
    const readRows = async () =>
      sampleRows === 0
        ? { items: [] }
        : await coda.listRows({ ...inTable, limit: sampleRows, useColumnNames: true }, call)
    const [table, columns, rows] = await Promise.all([
      coda.getTable(inTable, call),
      createAllReader(context).readAll(
        async (pageToken, call) =>
          await coda.listColumns({ ...inTable, limit: 100, pageToken }, call),
      ),
      readList({
        ...{ what: 'rows', nextPageToken: undefined, maxCharacters: sampleCharacters },
        // The list stops here, whatever comes after.
        read: async () => ({ items: (await readRows()).items.slice(0, sampleRows) }),
        project: projectRow,
        describe: describeRow,
      }),
    ])
    const structured = {
      table: projectTable(table),
      columns: columns.items.map((column) => {
        const { format: _format, ...summary } = projectColumn(column)
        return summary
      }),
      sampleRows: rows.structured.items,
      complete: columns.complete,
    }
    return {
      structured,
      text: [
        describeTable(structured.table),
        `${structured.columns.length} columns:`,
        ...structured.columns.map((column) => describeColumn(column)),
        ...(columns.complete ? [] : [describeCut('columns')]),
        `First ${structured.sampleRows.length} rows:`,
        ...structured.sampleRows.map((row) => describeRow(row)),
      ].join('\n'),
    }
  },
})
