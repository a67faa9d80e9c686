import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codaTools } from '../src/tools/index.js'
import { createFakeClock, type FakeClock } from './support/fake-clock.js'
import {
  type CallResult,
  codaToken,
  connect,
  type RunningApp,
  type SdkVersion,
  sdkVersions,
  startApp,
  type TestClient,
} from './support/mcp.js'
import { apiDescriptionMissing, type RunningStandIn, startStandIn } from './support/stand-in.js'

const docId = 'SampleDoc1'
const table = { docId, tableIdOrName: 'grid-tasks' }

if (apiDescriptionMissing) {
  console.warn('tools.test.ts: the API description is absent, so requests are not held against it')
}

describe.each(sdkVersions)('tools through SDK %s', (version: SdkVersion) => {
  let clock: FakeClock
  let standIn: RunningStandIn
  let app: RunningApp
  let client: TestClient

  async function call(name: string, input: Record<string, unknown> = {}): Promise<CallResult> {
    const result = await client.call(name, input)
    if (result.isError) throw new Error(result.text)
    return result
  }

  beforeAll(async () => {
    clock = createFakeClock()
    standIn = await startStandIn({
      checked: !apiDescriptionMissing,
      now: clock.now,
      acceptsToken: (token) => token === codaToken,
    })
    app = await startApp({ codaBaseUrl: standIn.baseUrl, clock })
    client = await connect(app.origin, version)
  })
  afterAll(async () => {
    await client.close()
    await app.close()
    await standIn.close()
  })

  it('offers every tool with its schemas and hints', async () => {
    const tools = await client.tools()
    expect(tools.map(({ name }) => name).sort()).toEqual(codaTools.map(({ name }) => name).sort())
    for (const tool of tools) {
      expect(tool.outputSchema).toMatchObject({ type: 'object' })
      expect(tool.annotations).toMatchObject({ openWorldHint: true })
    }
  })

  it('publishes arrays as arrays, although their texts are taken too', async () => {
    const tools = await client.tools()
    const schemaOf = (name: string) => tools.find((tool) => tool.name === name)?.inputSchema
    expect(schemaOf('coda_delete_rows')).toMatchObject({
      type: 'object',
      properties: { rowIds: { type: 'array', minItems: 1, items: { type: 'string' } } },
      required: ['docId', 'tableIdOrName', 'rowIds'],
    })
    expect(schemaOf('coda_upsert_rows')).toMatchObject({
      properties: {
        rows: { type: 'array', items: { properties: { cells: { type: 'array' } } } },
        keyColumns: { type: 'array', description: expect.stringContaining('Column ids') },
      },
      required: ['docId', 'tableIdOrName', 'rows'],
    })
  })

  it('tells the account', async () => {
    const { structured, text } = await call('coda_whoami')
    expect(structured).toMatchObject({ loginId: 'sample@example.com', workspaceId: 'ws-sample' })
    expect(text).toContain('Sample Person')
  })

  it('lists docs and finds one by title', async () => {
    expect((await call('coda_list_documents')).structured?.items).toHaveLength(2)
    const { structured } = await call('coda_list_documents', { query: 'offsite', isOwner: true })
    expect(structured?.items).toMatchObject([{ id: docId, rowCount: expect.any(Number) }])
  })

  it('gets a doc by its address', async () => {
    const { structured } = await call('coda_get_document', {
      docId: `https://coda.io/d/Team-offsite_d${docId}/Plan_su1`,
    })
    expect(structured).toMatchObject({ id: docId, name: 'Team offsite' })
  })

  it('lists pages, one at a time when asked to', async () => {
    const first = await call('coda_list_pages', { docId, limit: 1 })
    expect(first.structured).toMatchObject({ items: [{ childIds: ['canvas-notes'] }] })
    expect(first.text).toContain('nextPageToken')
    const { nextPageToken } = first.structured ?? {}
    const second = await call('coda_list_pages', { docId, limit: 1, nextPageToken })
    expect(second.structured).toEqual({
      items: [expect.objectContaining({ id: 'canvas-notes', parentId: 'canvas-plan' })],
    })
  })

  it('gets a page and reads its text', async () => {
    const page = { docId, pageIdOrName: 'Plan' }
    expect((await call('coda_get_page', page)).structured).toMatchObject({ contentType: 'canvas' })
    const content = await call('coda_get_page_content', page)
    expect(content.text).toBe(
      '# Plan\nEverything that has to be ready before May.\n- Venue\n- Agenda',
    )
    expect(content.structured?.items).toHaveLength(4)
  })

  it('lists tables by type, gets one and lists its columns', async () => {
    const tables = await call('coda_list_tables', { docId, tableTypes: ['table'], sortBy: 'name' })
    expect(tables.structured?.items).toMatchObject([{ id: 'grid-tasks', tableType: 'table' }])
    expect((await call('coda_list_tables', { docId, tableTypes: ['view'] })).text).toBe(
      'No tables.',
    )
    expect((await call('coda_get_table', table)).structured).toMatchObject({
      displayColumnId: 'c-task',
    })
    const columns = await call('coda_list_columns', { ...table, visibleOnly: true })
    expect(columns.structured?.items).toMatchObject([
      { id: 'c-task', display: true },
      { id: 'c-status' },
      { id: 'c-hours' },
      { id: 'c-done' },
      { id: 'c-tags', isArray: true },
    ])
  })

  it('lists rows in every value format and gets one', async () => {
    const query = 'c-status:"In progress"'
    const tagsOf = async (valueFormat: string): Promise<unknown> => {
      const { structured } = await call('coda_list_rows', {
        ...table,
        ...{ query, valueFormat, sortBy: 'natural', visibleOnly: true, useColumnNames: true },
      })
      return Object(structured).items[0].values.Tags
    }
    expect(await tagsOf('simple')).toBe('people,travel')
    expect(await tagsOf('simpleWithArrays')).toEqual(['people', 'travel'])
    expect(await tagsOf('rich')).toEqual(['people', 'travel'])
    const row = await call('coda_get_row', { ...table, rowIdOrName: 'Invite the team' })
    expect(row.structured).toMatchObject({ id: 'i-invite', values: { 'c-hours': 2 } })
  })

  it('upserts rows and waits until they are there', async () => {
    const rows = [
      {
        cells: [
          { column: 'Task', value: `Order food (${version})` },
          { column: 'c-tags', value: ['travel', 'people'] },
          { column: 'c-hours', value: 1.5 },
          { column: 'c-done', value: true },
        ],
      },
    ]
    const rowIds = [`i-food-${version.length}`]
    const added = await call('coda_upsert_rows', { ...table, rows, rowIds, wait: true })
    expect(added.structured).toMatchObject({ status: 'completed', addedRowIds: rowIds })
    expect(added.text).toMatch(/^Upsert of 1 row: applied\./)

    const updated = await call('coda_upsert_rows', {
      ...table,
      rows: [
        {
          cells: [
            ...rows.flatMap(({ cells }) => cells.slice(0, 1)),
            { column: 'c-hours', value: 9 },
          ],
        },
      ],
      keyColumns: ['c-task'],
      disableParsing: true,
      wait: true,
    })
    expect(updated.structured).toMatchObject({ status: 'completed', addedRowIds: [] })
    const row = await call('coda_get_row', { ...table, rowIdOrName: rowIds[0] })
    expect(row.structured).toMatchObject({ values: { 'c-hours': 9, 'c-done': true } })
  })

  it('updates a row, reports it as queued, and waits for it when asked later', async () => {
    const queued = await call('coda_update_row', {
      ...table,
      rowIdOrName: 'i-agenda',
      cells: [{ column: 'c-status', value: `Done by ${version}` }],
    })
    expect(queued.structured).toMatchObject({ status: 'queued', rowId: 'i-agenda' })
    expect(queued.text).toContain('queued, not confirmed')
    const { requestId } = queued.structured ?? {}
    expect((await call('coda_wait_for_mutation', { requestId })).structured).toEqual({
      status: 'completed',
      requestId,
    })
    const row = await call('coda_get_row', { ...table, rowIdOrName: 'i-agenda' })
    expect(row.structured).toMatchObject({ values: { 'c-status': `Done by ${version}` } })
  })

  it('deletes rows by id', async () => {
    const ids = ['i-one', 'i-two', 'i-three']
    const rows = ids.map((value) => ({ cells: [{ column: 'c-task', value }] }))
    await call('coda_upsert_rows', { ...table, rows, rowIds: ids, wait: true })
    const one = await call('coda_delete_row', { ...table, rowIdOrName: 'i-one', wait: true })
    expect(one.structured).toMatchObject({ status: 'completed', rowId: 'i-one' })
    const rest = await call('coda_delete_rows', { ...table, rowIds: ids.slice(1), wait: true })
    expect(rest.structured).toMatchObject({ status: 'completed', rowIds: ['i-two', 'i-three'] })
    const { structured } = await call('coda_list_rows', table)
    expect(JSON.stringify(structured)).not.toMatch(/i-one|i-two|i-three/)
  })

  it('answers a failing call with what to do', async () => {
    const result = await client.call('coda_get_row', { ...table, rowIdOrName: 'i-absent' })
    expect(result).toMatchObject({
      isError: true,
      structured: undefined,
      meta: { code: 'coda_not_found', retryable: false },
    })
    expect(result.text).toMatch(/404.*List the parent/)
  })

  it('refuses inputs of another shape without asking Coda', async () => {
    const before = standIn.received.length
    const result = await client.call('coda_upsert_rows', { ...table, rows: '[]' })
    expect(result.isError).toBe(true)
    expect(standIn.received).toHaveLength(before)
  })
})
