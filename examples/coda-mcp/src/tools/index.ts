import { deleteRow } from './delete-row.js'
import { deleteRows } from './delete-rows.js'
import { getDocument } from './get-document.js'
import { getPage } from './get-page.js'
import { getPageContent } from './get-page-content.js'
import { getRow } from './get-row.js'
import { getTable } from './get-table.js'
import { listColumns } from './list-columns.js'
import { listDocuments } from './list-documents.js'
import { listPages } from './list-pages.js'
import { listRows } from './list-rows.js'
import { listTables } from './list-tables.js'
import type { CodaTool } from './tool.js'
import { updateRow } from './update-row.js'
import { upsertRows } from './upsert-rows.js'
import { waitForMutationTool } from './wait-for-mutation.js'
import { whoami } from './whoami.js'

/** Every tool of this server. A new tool is one file and one line here; its scope follows from its hints. */
export const codaTools: readonly CodaTool[] = [
  whoami,
  listDocuments,
  getDocument,
  listPages,
  getPage,
  getPageContent,
  listTables,
  getTable,
  listColumns,
  listRows,
  getRow,
  upsertRows,
  updateRow,
  deleteRow,
  deleteRows,
  waitForMutationTool,
]
