import * as z from 'zod'
import type { CodaTable, CodaTableReference } from '../coda/schemas.js'

export const TableEntry = z.object({
  id: z.string(),
  name: z.string(),
  tableType: z.string().describe('Rows can be added to a "table" only, not to a "view"'),
  pageId: z.string().optional(),
  browserLink: z.string(),
})
export type TableEntry = z.infer<typeof TableEntry>

export function projectTableEntry(table: CodaTableReference): TableEntry {
  const { id, name, tableType, parent, browserLink } = table
  return { id, name, tableType, pageId: parent?.id, browserLink }
}

export function describeTableEntry({ id, name, tableType, pageId }: TableEntry): string {
  const place = pageId === undefined ? '' : `, on page ${pageId}`
  return `${id}: ${JSON.stringify(name)}, ${tableType}${place}`
}

export const TableOutput = z.object({
  id: z.string(),
  name: z.string(),
  tableType: z.string(),
  rowCount: z.number(),
  displayColumnId: z.string(),
  layout: z.string(),
  parentTableId: z.string().optional().describe('Table that a view shows; add rows there'),
  sorts: z.array(z.object({ columnId: z.string(), direction: z.string() })),
  isFiltered: z.boolean(),
  pageId: z.string().optional(),
  browserLink: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type TableOutput = z.infer<typeof TableOutput>

export function projectTable(table: CodaTable): TableOutput {
  const { id, name, tableType, rowCount, layout, browserLink, createdAt, updatedAt } = table
  return {
    ...{ id, name, tableType, rowCount, layout },
    displayColumnId: table.displayColumn.id,
    parentTableId: table.parentTable?.id,
    sorts: (table.sorts ?? []).map(({ column, direction }) => ({ columnId: column.id, direction })),
    isFiltered: table.filter !== undefined,
    pageId: table.parent?.id,
    ...{ browserLink, createdAt, updatedAt },
  }
}

export function describeTable(table: TableOutput): string {
  const of = table.parentTableId === undefined ? '' : ` of ${table.parentTableId}`
  const filtered = table.isFiltered ? ', filtered' : ''
  return `${table.id}: ${JSON.stringify(table.name)}, ${table.tableType}${of} with ${table.rowCount} rows${filtered}, display column ${table.displayColumnId}, updated ${table.updatedAt}, ${table.browserLink}`
}
