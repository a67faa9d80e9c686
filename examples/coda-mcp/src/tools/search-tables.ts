import * as z from 'zod'
import { docId, nextPageToken } from './inputs.js'
import { listSchema, readList } from './list-output.js'
import { tableTypes } from './list-tables.js'
import { createAllReader, describeCut } from './read-all.js'
import { describeTableEntry, projectTableEntry, TableEntry } from './table-output.js'
import { defineTool, reads } from './tool.js'

export const searchTables = defineTool({
  name: 'coda_search_tables',
  title: 'Search tables of a Coda doc',
  description:
    'Finds tables and views by a part of their name. Coda has no search for this, so all tables of the doc are listed.',
  inputSchema: z.object({
    docId,
    query: z.string().min(1).describe('Part of the name; upper and lower case are the same'),
    tableTypes,
    nextPageToken,
  }),
  outputSchema: z.object({
    ...listSchema(TableEntry).shape,
    searched: z.number().describe('Number of tables whose names were compared'),
    complete: z.boolean().describe('False when not all tables could be read in time'),
  }),
  annotations: reads,
  operations: ['listTables'],
  async run(context) {
    const { docId, query, tableTypes, nextPageToken } = context.input
    const { items, complete } = await createAllReader(context).readAll(
      async (pageToken, call) =>
        await context.coda.listTables({ docId, tableTypes, pageToken }, call),
    )
    const wanted = query.toLowerCase()
    const found = items.filter(({ name }) => name.toLowerCase().includes(wanted))
    const { structured, text } = await readList({
      what: 'tables',
      nextPageToken,
      read: async () => ({ items: found }),
      project: projectTableEntry,
      describe: describeTableEntry,
    })
    return {
      structured: { ...structured, searched: items.length, complete },
      text: complete ? text : `${text}\n${describeCut('tables')}`,
    }
  },
})
