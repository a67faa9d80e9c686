import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openToolClient, type ToolClient } from './support/tool-client.js'

const docId = 'SampleDoc1'
const tasks = { docId, tableIdOrName: 'grid-tasks' }
const names = { docId: 'SampleDoc2', tableIdOrName: 'Names' }

let tools: ToolClient

beforeEach(async () => {
  tools = await openToolClient()
})
afterEach(async () => {
  await tools.close()
})

async function rowIds(input: Record<string, unknown> = tasks): Promise<string[]> {
  const { structured } = await tools.ok('coda_list_rows', input)
  return Object(structured).items.map(({ id }: { id: string }) => id)
}

async function valuesOf(rowIdOrName: string): Promise<Record<string, unknown>> {
  const { structured } = await tools.ok('coda_get_row', { ...tasks, rowIdOrName })
  return Object(structured).values
}

describe('coda_list_rows', () => {
  it('reads what was changed since an earlier list', async () => {
    const all = await tools.ok('coda_list_rows', tasks)
    const syncToken = all.structured?.nextSyncToken
    expect(all.text).toContain(`syncToken ${JSON.stringify(syncToken)}`)
    expect(await rowIds({ ...tasks, syncToken })).toEqual([])
    await tools.ok('coda_update_row', {
      ...{ ...tasks, rowIdOrName: 'i-agenda', values: { Hours: 8 } },
      wait: true,
    })
    expect(await rowIds({ ...tasks, syncToken })).toEqual(['i-agenda'])
    const refused = await tools.fails('coda_list_rows', { ...tasks, syncToken: 'none' })
    expect(refused.meta.code).toBe('coda_request_refused')
  })

  it('gives no token for changes before the end of the list', async () => {
    const first = await tools.ok('coda_list_rows', { ...tasks, limit: 2 })
    expect(first.structured).not.toHaveProperty('nextSyncToken')
    const { nextPageToken } = first.structured ?? {}
    const last = await tools.ok('coda_list_rows', { ...tasks, limit: 2, nextPageToken })
    expect(last.structured).toMatchObject({ nextSyncToken: expect.any(String) })
  })

  it.each([
    ['sortBy', 'name'],
    ['valueFormat', 'text'],
    ['limit', 1.5],
    ['visibleOnly', 'yes'],
  ])('refuses %s %j without asking Coda', async (input, value) => {
    expect((await tools.fails('coda_list_rows', { ...tasks, [input]: value })).requests).toBe(0)
  })

  it('shows in a view the rows of its table', async () => {
    expect(await rowIds(names)).toEqual(['i-ada', 'i-grace'])
  })
})

describe('coda_create_rows and coda_upsert_rows', () => {
  it('add rows, or update those that match the key columns', async () => {
    const rows = [{ Task: 'Rent bikes', 'c-tags': ['travel'] }]
    const added = await tools.ok('coda_create_rows', { ...tasks, rows, wait: true })
    const [id] = Object(added.structured).addedRowIds
    expect(await valuesOf(id)).toMatchObject({ 'c-tags': 'travel' })
    const updated = await tools.ok('coda_create_rows', {
      ...{ ...tasks, rows: [{ Task: 'Rent bikes', Hours: 7 }], keyColumns: ['Task'] },
      wait: true,
    })
    expect(updated.structured).toMatchObject({ status: 'completed', addedRowIds: [] })
    expect(await valuesOf(id)).toMatchObject({ 'c-hours': 7, 'c-tags': 'travel' })
  })

  it('take an empty list of key columns for none', async () => {
    const input = { ...tasks, rows: [{ Task: 'Book the venue' }], keyColumns: [], wait: true }
    await tools.ok('coda_create_rows', input)
    expect(await rowIds()).toHaveLength(4)
  })

  it.each([
    ['a row without columns', { rows: [{}] }],
    ['no rows', { rows: [] }],
    ['a value that is null', { rows: [{ Task: null }] }],
    ['a value that is an object', { rows: [{ Task: { text: 'x' } }] }],
    ['fewer ids than rows', { rows: [{ Task: 'a' }, { Task: 'b' }], rowIds: ['i-1'] }],
    ['an id twice', { rows: [{ Task: 'a' }, { Task: 'b' }], rowIds: ['i-1', 'i-1'] }],
    ['an empty id', { rows: [{ Task: 'a' }], rowIds: [''] }],
  ])('refuse %s without asking Coda', async (_what, input) => {
    const refused = await tools.fails('coda_create_rows', { ...tasks, ...input })
    expect(refused.requests).toBe(0)
  })

  it('refuse a view, in words of Coda', async () => {
    const refused = await tools.fails('coda_create_rows', { ...names, rows: [{ Name: 'Alan' }] })
    expect(refused.text).toMatch(/base tables, not views/)
  })

  it.each([
    ['the connection breaks', { kind: 'reset' }],
    ['Coda fails', { kind: 'status', status: 503 }],
  ] as const)('are sent again with ids for the rows when %s', async (_what, fault) => {
    tools.standIn.faults.next(fault)
    const before = tools.standIn.received.length
    const input = { ...tasks, rows: [{ Task: 'Once' }], rowIds: ['i-once'], wait: true }
    await tools.ok('coda_create_rows', input)
    const sent = tools.standIn.received.slice(before).filter(({ method }) => method === 'POST')
    expect(sent).toHaveLength(2)
    // The model may repeat it as well.
    await tools.ok('coda_create_rows', input)
    expect((await rowIds()).filter((id) => id === 'i-once')).toHaveLength(1)
  })

  it('are sent once without ids, and say that the outcome is open', async () => {
    tools.standIn.faults.next({ kind: 'reset' })
    const refused = await tools.fails('coda_create_rows', { ...tasks, rows: [{ Task: 'Once' }] })
    expect(refused.requests).toBe(1)
    expect(refused.text).toMatch(/not known whether Coda accepted/)
    expect(refused.meta.retryable).toBe(false)
  })

  it('wait out the rate limit, and name who shares it when that takes too long', async () => {
    tools.standIn.faults.next({ kind: 'status', status: 429 }, 2)
    await tools.ok('coda_create_rows', { ...tasks, rows: [{ Task: 'Later' }] })
    expect(tools.clock.sleeps).toHaveLength(2)
    tools.standIn.faults.next({ kind: 'status', status: 429 }, 30)
    const refused = await tools.fails('coda_create_rows', { ...tasks, rows: [{ Task: 'Never' }] })
    expect(refused.meta).toMatchObject({ code: 'coda_rate_limited', retryable: true })
    expect(refused.text).toMatch(/shared by all of the user’s tools and docs/)
    expect(tools.clock.sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(25_000)
  })
})

describe('coda_update_row', () => {
  const row = { ...tasks, rowIdOrName: 'i-agenda' }

  it('takes cells, also as text, or values', async () => {
    const cells = [{ column: 'Hours', value: 1 }]
    await tools.ok('coda_update_row', { ...row, cells, wait: true })
    expect(await valuesOf('i-agenda')).toMatchObject({ 'c-hours': 1 })
    const text = JSON.stringify([{ column: 'Hours', value: 2 }])
    await tools.ok('coda_update_row', { ...row, cells: text, wait: true })
    expect(await valuesOf('i-agenda')).toMatchObject({ 'c-hours': 2 })
    await tools.ok('coda_update_row', { ...row, values: { 'c-hours': 3 }, wait: true })
    expect(await valuesOf('i-agenda')).toMatchObject({ 'c-hours': 3 })
  })

  it.each([
    ['neither', {}],
    ['both', { cells: [{ column: 'Hours', value: 1 }], values: { Hours: 1 } }],
    ['no cells', { cells: [] }],
    ['no values', { values: {} }],
    ['a column without a name', { values: { '': 1 } }],
    ['a cell without a value', { cells: [{ column: 'Hours' }] }],
  ])('refuses %s without asking Coda', async (_what, input) => {
    expect((await tools.fails('coda_update_row', { ...row, ...input })).requests).toBe(0)
  })
})

describe('coda_bulk_update_rows', () => {
  const update = (rowIdOrName: string, hours: number) => ({ rowIdOrName, values: { Hours: hours } })
  const updates = [update('i-book', 11), update('i-none', 12), update('i-agenda', 13)]

  it('updates what it can and says for each row what became of it', async () => {
    const result = await tools.ok('coda_bulk_update_rows', { ...tasks, updates, wait: true })
    expect(result.structured).toMatchObject({
      ...{ succeeded: 2, failed: 1, skipped: 0 },
      results: [
        { rowIdOrName: 'i-book', status: 'completed', requestId: expect.any(String) },
        { rowIdOrName: 'i-none', status: 'failed', error: expect.stringMatching(/404/) },
        { rowIdOrName: 'i-agenda', status: 'completed' },
      ],
    })
    expect(result.text).toMatch(/^2 of 3 updates accepted, 2 of them applied\./)
    expect(await valuesOf('i-book')).toMatchObject({ 'c-hours': 11 })
    expect(await valuesOf('i-agenda')).toMatchObject({ 'c-hours': 13 })
  })

  it('reports them as queued without wait', async () => {
    const { text, structured } = await tools.ok('coda_bulk_update_rows', { ...tasks, updates })
    expect(structured?.results).toMatchObject([{ status: 'queued' }, {}, { status: 'queued' }])
    expect(text).toContain('coda_wait_for_mutation')
  })

  it('sends nothing more after a failure that all rows would share', async () => {
    tools.standIn.faults.next({ kind: 'status', status: 404 })
    tools.standIn.faults.next({ kind: 'status', status: 403 })
    const before = tools.standIn.received.length
    const { structured, text } = await tools.ok('coda_bulk_update_rows', { ...tasks, updates })
    expect(tools.standIn.received.length - before).toBe(2)
    expect(structured).toMatchObject({ succeeded: 0, failed: 2, skipped: 1 })
    expect(text).toContain('1 were not sent')
  })

  it('fails as a whole when that is the first', async () => {
    tools.standIn.faults.next({ kind: 'status', status: 401 })
    const refused = await tools.fails('coda_bulk_update_rows', { ...tasks, updates })
    expect(refused).toMatchObject({ requests: 1, meta: { code: 'coda_unauthorized' } })
  })

  it('ends at its deadline and leaves the rest', async () => {
    tools.clock.onSleep = () => tools.clock.advance(4_000)
    const many = Array.from({ length: 20 }, (_, index) => update('i-book', index))
    tools.standIn.faults.next({ kind: 'status', status: 404 })
    tools.standIn.faults.next({ kind: 'status', status: 429 }, 50)
    const { structured } = await tools.ok('coda_bulk_update_rows', { ...tasks, updates: many })
    expect(structured).toMatchObject({ failed: 2, skipped: 18 })
  })

  it.each([
    ['no updates', []],
    ['an update without values', [{ rowIdOrName: 'i-book' }]],
    ['an update with no values', [{ rowIdOrName: 'i-book', values: {} }]],
    ['an update without a row', [{ values: { Hours: 1 } }]],
    ['101 updates', Array.from({ length: 101 }, () => update('i-book', 1))],
  ])('refuses %s without asking Coda', async (_what, wrong) => {
    const refused = await tools.fails('coda_bulk_update_rows', { ...tasks, updates: wrong })
    expect(refused.requests).toBe(0)
  })
})
