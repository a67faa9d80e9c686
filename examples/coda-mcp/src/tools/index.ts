import { addPermission } from './add-permission.js'
import { bulkUpdateRows } from './bulk-update-rows.js'
import { createDocument } from './create-document.js'
import { createFolder } from './create-folder.js'
import { createPage } from './create-page.js'
import { createRows } from './create-rows.js'
import { deleteDocument } from './delete-document.js'
import { deleteFolder } from './delete-folder.js'
import { deletePage } from './delete-page.js'
import { deletePageContent } from './delete-page-content.js'
import { deletePermission } from './delete-permission.js'
import { deleteRow } from './delete-row.js'
import { deleteRows } from './delete-rows.js'
import { duplicatePage } from './duplicate-page.js'
import { appendPageContent, prependPageContent, replacePageContent } from './edit-page-content.js'
import { getAclSettings } from './get-acl-settings.js'
import { getColumn } from './get-column.js'
import { getControl } from './get-control.js'
import { getDocument } from './get-document.js'
import { getDocumentStats } from './get-document-stats.js'
import { getFolder } from './get-folder.js'
import { getFormula } from './get-formula.js'
import { getPage } from './get-page.js'
import { getPageContent } from './get-page-content.js'
import { getRow } from './get-row.js'
import { getSharingMetadata } from './get-sharing-metadata.js'
import { getTable } from './get-table.js'
import { getTableSummary } from './get-table-summary.js'
import { listCategories } from './list-categories.js'
import { listColumns } from './list-columns.js'
import { listControls } from './list-controls.js'
import { listDocuments } from './list-documents.js'
import { listFolders } from './list-folders.js'
import { listFormulas } from './list-formulas.js'
import { listPages } from './list-pages.js'
import { listPermissions } from './list-permissions.js'
import { listRows } from './list-rows.js'
import { listTables } from './list-tables.js'
import { peekPage } from './peek-page.js'
import { publishDocument } from './publish-document.js'
import { pushButton } from './push-button.js'
import { renamePage } from './rename-page.js'
import { resolveLink } from './resolve-link.js'
import { searchPages } from './search-pages.js'
import { searchPrincipals } from './search-principals.js'
import { searchTables } from './search-tables.js'
import type { CodaTool } from './tool.js'
import { triggerAutomation } from './trigger-automation.js'
import { unpublishDocument } from './unpublish-document.js'
import { updateAclSettings } from './update-acl-settings.js'
import { updateDocument } from './update-document.js'
import { updateFolder } from './update-folder.js'
import { updatePage } from './update-page.js'
import { updateRow } from './update-row.js'
import { upsertRows } from './upsert-rows.js'
import { waitForMutationTool } from './wait-for-mutation.js'
import { whoami } from './whoami.js'

/** Every tool of this server. A new tool is one file and one line here. */
export const codaTools: readonly CodaTool[] = [
  whoami,
  listDocuments,
  getDocument,
  getDocumentStats,
  createDocument,
  updateDocument,
  deleteDocument,
  listFolders,
  getFolder,
  createFolder,
  updateFolder,
  deleteFolder,
  resolveLink,
  listCategories,
  listPages,
  searchPages,
  getPage,
  getPageContent,
  peekPage,
  createPage,
  updatePage,
  renamePage,
  duplicatePage,
  appendPageContent,
  prependPageContent,
  replacePageContent,
  deletePageContent,
  deletePage,
  listTables,
  searchTables,
  getTable,
  getTableSummary,
  listColumns,
  getColumn,
  listRows,
  getRow,
  createRows,
  upsertRows,
  updateRow,
  bulkUpdateRows,
  deleteRow,
  deleteRows,
  pushButton,
  listFormulas,
  getFormula,
  listControls,
  getControl,
  triggerAutomation,
  getSharingMetadata,
  listPermissions,
  searchPrincipals,
  getAclSettings,
  addPermission,
  deletePermission,
  updateAclSettings,
  publishDocument,
  unpublishDocument,
  waitForMutationTool,
]
