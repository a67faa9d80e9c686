const docId = 'SampleDoc1'
const tasks = { docId, tableIdOrName: 'grid-tasks' }
const people = { docId: 'SampleDoc2', tableIdOrName: 'grid-people' }
const page = { docId, pageIdOrName: 'canvas-notes' }
const newTask = (value: string) => ({ cells: [{ column: 'c-task', value }] })

/** Input of a call, or of several; a function when it needs what an earlier call answered. */
export type ToolCallInput =
  | Record<string, unknown>
  | readonly Record<string, unknown>[]
  | ((answers: ReadonlyMap<string, Record<string, unknown>>) => Record<string, unknown>)

/** The inputs that an entry stands for. */
export function inputsOf(
  input: ToolCallInput,
  answers: ReadonlyMap<string, Record<string, unknown>>,
): readonly Record<string, unknown>[] {
  return [typeof input === 'function' ? input(answers) : input].flat()
}

function answerOf(
  answers: ReadonlyMap<string, Record<string, unknown>>,
  tool: string,
): Record<string, unknown> {
  return answers.get(tool) ?? {}
}

/**
 * A call of every tool that succeeds on the sample docs, in an order in which they do not get into
 * each other's way.
 */
export const toolCalls: Readonly<Record<string, ToolCallInput>> = {
  coda_whoami: {},
  coda_list_documents: { query: 'offsite' },
  coda_get_document: { docId },
  coda_get_document_stats: { docId },
  coda_list_folders: {},
  coda_create_folder: { name: 'Plans', workspaceId: 'ws-sample' },
  coda_get_folder: (answers) => ({ folderId: answerOf(answers, 'coda_create_folder').id }),
  coda_update_folder: (answers) => ({
    folderId: answerOf(answers, 'coda_create_folder').id,
    name: 'Old plans',
  }),
  coda_delete_folder: (answers) => ({ folderId: answerOf(answers, 'coda_create_folder').id }),
  coda_resolve_link: { url: `https://coda.io/d/Team-offsite_d${docId}` },
  coda_list_categories: {},
  coda_list_pages: { docId },
  coda_search_pages: { docId, query: 'projector', includeContent: true },
  coda_get_page: page,
  coda_get_page_content: [page, { ...page, outputFormat: 'markdown' }],
  coda_peek_page: { ...page, numLines: 5 },
  coda_create_page: { docId, name: 'Ideas', content: 'Boats', wait: true },
  coda_update_page: { ...page, subtitle: 'Not sorted', wait: true },
  coda_rename_page: { ...page, newName: 'Open notes', wait: true },
  coda_append_page_content: { ...page, content: 'Last line', wait: true },
  coda_prepend_page_content: { ...page, content: 'First line', wait: true },
  coda_replace_page_content: { ...page, content: 'Only line', wait: true },
  coda_duplicate_page: { ...page, newName: 'Copy of notes', wait: true },
  coda_delete_page_content: { ...page, all: true, wait: true },
  coda_delete_page: { ...page, wait: true },
  coda_list_tables: { docId },
  coda_search_tables: { docId, query: 'TASK' },
  coda_get_table: tasks,
  coda_get_table_summary: tasks,
  coda_list_columns: tasks,
  coda_get_column: { ...tasks, columnIdOrName: 'Status' },
  coda_list_rows: tasks,
  coda_get_row: { ...tasks, rowIdOrName: 'i-book' },
  coda_create_rows: { ...tasks, rows: [{ Task: 'Rent bikes', Hours: 2 }], wait: true },
  coda_upsert_rows: {
    ...tasks,
    rows: ['i-1', 'i-2', 'i-3'].map(newTask),
    rowIds: ['i-1', 'i-2', 'i-3'],
    wait: true,
  },
  coda_update_row: { ...tasks, rowIdOrName: 'i-1', values: { 'c-hours': 1 }, wait: true },
  coda_bulk_update_rows: {
    ...tasks,
    updates: [
      { rowIdOrName: 'i-1', values: { Hours: 3 } },
      { rowIdOrName: 'i-2', values: { Hours: 4 } },
    ],
    wait: true,
  },
  coda_delete_row: { ...tasks, rowIdOrName: 'i-1', wait: true },
  coda_delete_rows: { ...tasks, rowIds: ['i-2', 'i-3'], wait: true },
  coda_push_button: { ...people, rowIdOrName: 'i-ada', columnIdOrName: 'c-greet' },
  coda_wait_for_mutation: (answers) => ({
    requestId: answerOf(answers, 'coda_push_button').requestId,
  }),
  coda_list_formulas: { docId },
  coda_get_formula: { docId, formulaIdOrName: 'Total hours' },
  coda_list_controls: { docId },
  coda_get_control: { docId, controlIdOrName: 'ctrl-month' },
  coda_trigger_automation: { docId, ruleId: 'grid-auto-hook', payload: { a: 1 }, wait: true },
  coda_get_sharing_metadata: { docId },
  coda_list_permissions: { docId },
  coda_search_principals: { docId, query: 'ada' },
  coda_get_acl_settings: { docId },
  coda_add_permission: {
    docId,
    access: 'readonly',
    principal: { type: 'email', email: 'ada@example.com' },
    suppressEmail: true,
  },
  coda_delete_permission: { docId, permissionId: 'perm-1' },
  coda_update_acl_settings: { docId, allowCopying: true },
  coda_publish_document: { docId, slug: 'offsite', mode: 'view', wait: true },
  coda_unpublish_document: { docId },
  coda_create_document: { title: 'Fresh', wait: true },
  coda_update_document: { docId: 'SampleDoc2', title: 'People' },
  coda_delete_document: { docId: 'SampleDoc2' },
}
