import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReceivedRequest } from '../src/stand-in/coda-stand-in.js'
import { openToolClient, type ToolClient } from './support/tool-client.js'

const docId = 'SampleDoc1'
const tasks = { docId, tableIdOrName: 'grid-tasks' }
const people = { docId: 'SampleDoc2', tableIdOrName: 'grid-people' }
const names = { docId: 'SampleDoc2', tableIdOrName: 'Names' }

let tools: ToolClient
/** Sees each request before it is answered. */
let seen: (request: ReceivedRequest) => void

beforeEach(async () => {
  seen = () => {}
  tools = await openToolClient({ onRequest: (request) => seen(request) })
})
afterEach(async () => {
  await tools.close()
})

describe('coda_list_tables and coda_get_table', () => {
  it('take the types of tables as array or as text', async () => {
    for (const tableTypes of [['view'], '["view"]']) {
      const { structured } = await tools.ok('coda_list_tables', { ...people, tableTypes })
      expect(structured?.items).toMatchObject([{ id: 'table-names', tableType: 'view' }])
    }
    const refused = await tools.fails('coda_list_tables', { ...people, tableTypes: ['grid'] })
    expect(refused.requests).toBe(0)
  })

  it('name the table behind a view, and its layout in both ways', async () => {
    const old = await tools.ok('coda_get_table', names)
    expect(old.structured).toMatchObject({ parentTableId: 'grid-people', layout: 'masterDetail' })
    expect(old.text).toContain('view of grid-people')
    const updated = await tools.ok('coda_get_table', { ...names, useUpdatedTableLayouts: true })
    expect(updated.structured).toMatchObject({ layout: 'detail' })
    const table = await tools.ok('coda_get_table', people)
    expect(table.structured).not.toHaveProperty('parentTableId')
  })
})

describe('columns', () => {
  it('are read one by one, by id or name', async () => {
    for (const columnIdOrName of ['c-status', 'Status']) {
      const { structured } = await tools.ok('coda_get_column', { ...tasks, columnIdOrName })
      expect(structured).toMatchObject({
        ...{ id: 'c-status', type: 'select', tableId: 'grid-tasks', calculated: false },
        format: { options: [{ name: 'Open' }, { name: 'In progress' }, { name: 'Done' }] },
      })
    }
    const refused = await tools.fails('coda_get_column', { ...tasks, columnIdOrName: 'Stat' })
    expect(refused.meta.code).toBe('coda_not_found')
  })

  it('are listed 100 at a time at most, which Coda insists on', async () => {
    await tools.ok('coda_list_columns', { ...tasks, limit: 101 })
    expect(tools.standIn.received.at(-1)?.url).toMatch(/\?limit=100$/)
    await tools.ok('coda_list_columns', { ...tasks, limit: 99 })
    expect(tools.standIn.received.at(-1)?.url).toMatch(/\?limit=99$/)
    expect((await tools.fails('coda_list_columns', { ...tasks, limit: 0 })).requests).toBe(0)
  })
})

describe('coda_push_button', () => {
  const button = { ...people, rowIdOrName: 'Ada', columnIdOrName: 'Greet' }

  it('pushes it and waits for what it does', async () => {
    const { structured, text } = await tools.ok('coda_push_button', { ...button, wait: true })
    expect(structured).toMatchObject({ status: 'completed', rowId: 'i-ada', columnId: 'c-greet' })
    expect(text).toBe('Push of button c-greet in row i-ada: applied.')
    const row = await tools.ok('coda_get_row', { ...people, rowIdOrName: 'i-ada' })
    expect(row.structured).toMatchObject({ values: { 'c-greeted': true } })
  })

  it.each([
    ['a column that is no button', { columnIdOrName: 'Name' }, 'coda_request_refused'],
    ['a row that is not there', { rowIdOrName: 'Alan' }, 'coda_not_found'],
    ['a column that is not there', { columnIdOrName: 'Wave' }, 'coda_not_found'],
  ])('tells that it cannot for %s', async (_what, input, code) => {
    expect((await tools.fails('coda_push_button', { ...button, ...input })).meta.code).toBe(code)
  })

  it('is not repeated when the answer is lost', async () => {
    tools.standIn.faults.next({ kind: 'reset' })
    expect((await tools.fails('coda_push_button', button)).requests).toBe(1)
  })
})

describe('formulas and controls', () => {
  it('are listed by name and read with their values', async () => {
    const formulas = await tools.ok('coda_list_formulas', { docId, sortBy: 'name' })
    expect(formulas.structured?.items).toMatchObject([
      { id: 'f-open', pageId: 'canvas-plan' },
      { id: 'f-total' },
    ])
    const total = await tools.ok('coda_get_formula', { docId, formulaIdOrName: 'Total hours' })
    expect(total.structured).toMatchObject({ id: 'f-total', value: 9.5 })
    const open = await tools.ok('coda_get_formula', { docId, formulaIdOrName: 'f-open' })
    expect(open.text).toContain('["Write the agenda"]')

    const controls = await tools.ok('coda_list_controls', { docId, sortBy: 'name', limit: 1 })
    expect(controls.structured).toMatchObject({ items: [{ id: 'ctrl-budget' }] })
    const { nextPageToken } = controls.structured ?? {}
    const rest = await tools.ok('coda_list_controls', { docId, nextPageToken })
    expect(rest.structured).toMatchObject({ items: [{ id: 'ctrl-month' }] })
    const month = await tools.ok('coda_get_control', { docId, controlIdOrName: 'Month' })
    expect(month.structured).toMatchObject({ controlType: 'select', value: 'May' })
  })

  it.each([
    ['coda_get_formula', { formulaIdOrName: 'Total' }],
    ['coda_get_control', { controlIdOrName: 'month' }],
  ])('%s tells when there is none of that name', async (name, input) => {
    expect((await tools.fails(name, { docId, ...input })).meta.code).toBe('coda_not_found')
  })

  it.each(['coda_list_formulas', 'coda_list_controls'])('%s sorts by name only', async (name) => {
    expect((await tools.fails(name, { docId, sortBy: 'natural' })).requests).toBe(0)
  })
})

describe('coda_trigger_automation', () => {
  it('starts an automation, with or without a payload', async () => {
    for (const payload of [undefined, { from: 'here', count: 2 }]) {
      const input = { docId, ruleId: 'grid-auto-hook', payload, wait: true }
      const { structured } = await tools.ok('coda_trigger_automation', input)
      expect(structured).toMatchObject({ status: 'completed' })
    }
  })

  it.each([
    ['starts by the clock', 'grid-auto-daily', 'coda_request_refused'],
    ['is not there', 'grid-auto-none', 'coda_not_found'],
  ])('cannot start one that %s', async (_what, ruleId, code) => {
    const refused = await tools.fails('coda_trigger_automation', { docId, ruleId })
    expect(refused.meta.code).toBe(code)
  })

  it('refuses a payload that is no object', async () => {
    const input = { docId, ruleId: 'grid-auto-hook', payload: ['a'] }
    expect((await tools.fails('coda_trigger_automation', input)).requests).toBe(0)
  })
})

describe('tools that read whole lists', () => {
  function addTables(count: number): void {
    const doc = tools.standIn.docs.find(({ id }) => id === docId)
    const [first] = doc?.tables ?? []
    if (doc === undefined || first === undefined) throw new Error('no sample table')
    const more = Array.from({ length: count }, (_, index) => ({
      ...first,
      id: `grid-more-${index}`,
      name: `More ${index}`,
    }))
    Object.assign(doc, { tables: [...doc.tables, ...more] })
  }
  it('coda_search_tables finds a table behind the first page of the list', async () => {
    addTables(60)
    const input = { docId, query: 'more 59' }
    const { structured } = await tools.ok('coda_search_tables', input)
    expect(structured).toMatchObject({
      items: [{ id: 'grid-more-59' }],
      ...{ searched: 61, complete: true },
    })
    const none = await tools.ok('coda_search_tables', { docId, query: 'more 60' })
    expect(none.text).toBe('No tables.')
    const views = await tools.ok('coda_search_tables', { ...input, tableTypes: ['view'] })
    expect(views.structured).toMatchObject({ items: [], searched: 0 })
    expect((await tools.fails('coda_search_tables', { docId, query: '' })).requests).toBe(0)
  })

  it('coda_search_tables says so when it could not see all tables', async () => {
    addTables(30)
    seen = ({ url }) => {
      if (url.includes('pageToken')) tools.standIn.faults.next({ kind: 'status', status: 503 })
    }
    const { structured, text } = await tools.ok('coda_search_tables', { docId, query: 'task' })
    expect(structured).toMatchObject({
      items: [{ id: 'grid-tasks' }],
      ...{ searched: 25, complete: false },
    })
    expect(text).toContain('Not all tables could be read in time')
  })

  it('coda_search_tables fails when not even the first page could be read', async () => {
    tools.standIn.faults.next({ kind: 'status', status: 503 }, 50)
    const refused = await tools.fails('coda_search_tables', { docId, query: 'task' })
    expect(refused.meta).toMatchObject({ code: 'coda_unavailable', retryable: true })
  })

  it('coda_get_table_summary shows columns and first rows', async () => {
    const { structured, text } = await tools.ok('coda_get_table_summary', {
      ...tasks,
      sampleRows: 1,
    })
    expect(structured).toMatchObject({
      table: { id: 'grid-tasks', rowCount: 3 },
      sampleRows: [{ id: 'i-book', values: { Task: 'Book the venue' } }],
      complete: true,
    })
    expect(Object(structured).columns).toHaveLength(5)
    expect(text).toMatch(/5 columns:[\s\S]*First 1 rows:/)
    const none = await tools.ok('coda_get_table_summary', { ...tasks, sampleRows: 0 })
    expect(none.structured?.sampleRows).toEqual([])
    expect(
      (await tools.fails('coda_get_table_summary', { ...tasks, sampleRows: 21 })).requests,
    ).toBe(0)
  })

  it('coda_get_document_stats counts every page of every list', async () => {
    addTables(60)
    const { structured, text } = await tools.ok('coda_get_document_stats', { docId })
    expect(structured).toMatchObject({
      ...{ id: docId, name: 'Team offsite', pages: 2, tables: 61, views: 0 },
      ...{ formulas: 2, controls: 2, complete: true },
    })
    expect(text).toContain('61 tables')
    const other = await tools.ok('coda_get_document_stats', { docId: 'SampleDoc2' })
    expect(other.structured).toMatchObject({ tables: 1, views: 1 })
  })
})
