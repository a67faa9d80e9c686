import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canaryOf } from './support/coda-accounts.js'
import { openSession, sdkVersions, type TestClient } from './support/mcp.js'
import {
  codaTokens,
  type Person,
  people,
  startForTwoPeople,
  type TwoPeople,
} from './support/two-people.js'

let world: TwoPeople

beforeAll(async () => {
  world = await startForTwoPeople({ checked: true })
})
afterAll(async () => {
  await world.close()
})

type Items = readonly { readonly id: string; readonly values: Record<string, unknown> }[]

/** Calls tools, and fails when one does or shows anything of another person. */
function createCalls(client: TestClient, person: Person) {
  return async (name: string, input: Record<string, unknown> = {}) => {
    const result = await client.call(name, input)
    if (result.isError) throw new Error(`${name}: ${result.text}`)
    const shown = result.text + JSON.stringify(result.structured)
    for (const other of people.filter((candidate) => candidate !== person)) {
      expect(shown).not.toContain(canaryOf(other))
    }
    return { text: result.text, structured: Object(result.structured) }
  }
}

/** The task, as an assistant would go about it; returns the rows at its end. */
async function play(client: TestClient, person: Person): Promise<Items> {
  const call = createCalls(client, person)
  const found = await call('coda_list_documents', { query: 'offsite' })
  const [doc] = found.structured.items
  expect(doc.name).toContain(canaryOf(person))
  const docId = doc.browserLink

  const pages = await call('coda_search_pages', { docId, query: 'plan' })
  const [{ id: pageIdOrName }] = pages.structured.items
  const page = await call('coda_get_page_content', {
    ...{ docId, pageIdOrName, outputFormat: 'markdown' },
  })
  expect(page.text).toMatch(/^# Plan\n/)
  expect(page.text).toContain(canaryOf(person))

  const tables = await call('coda_search_tables', { docId, query: 'tasks' })
  const [{ id: tableIdOrName }] = tables.structured.items
  const table = { docId, tableIdOrName }
  const columns = await call('coda_list_columns', table)
  const [{ id: column }] = columns.structured.items.filter(
    ({ display }: { display: boolean }) => display,
  )

  const numbers = Array.from({ length: 10 }, (_, index) => index)
  const added = await call('coda_upsert_rows', {
    ...table,
    rows: numbers.map((number) => ({
      cells: [{ column, value: `${canaryOf(person)} task ${number}` }],
    })),
    rowIds: numbers.map((number) => `i-task-${number}`),
  })
  expect(added.structured).toMatchObject({ status: 'queued' })
  const { requestId } = added.structured
  const waited = await call('coda_wait_for_mutation', { requestId })
  expect(waited.structured).toMatchObject({ status: 'completed' })

  const updated = await call('coda_bulk_update_rows', {
    ...table,
    updates: [
      { rowIdOrName: 'i-task-3', values: { Hours: 3 } },
      { rowIdOrName: 'i-task-7', values: { Hours: 7 } },
    ],
    wait: true,
  })
  expect(updated.structured).toMatchObject({ succeeded: 2, failed: 0, skipped: 0 })
  const deleted = await call('coda_delete_row', { ...table, rowIdOrName: 'i-task-5', wait: true })
  expect(deleted.structured).toMatchObject({ status: 'completed', rowId: 'i-task-5' })

  const rows: Items[number][] = []
  let nextPageToken: string | undefined
  do {
    const part = await call('coda_list_rows', {
      ...{ ...table, limit: 5, useColumnNames: true, nextPageToken },
    })
    rows.push(...part.structured.items)
    nextPageToken = part.structured.nextPageToken
  } while (nextPageToken !== undefined)
  return rows
}

describe('a task in Coda, by two people at once', () => {
  it('is done by scripted clients, and neither sees or changes what the other has', async () => {
    const results = await Promise.all(
      people.map(async (person) => {
        const headers = { authorization: `Bearer ${await world.tokenOf(person)}` }
        const client = openSession(world.server.resource, sdkVersions[2], {
          requestInit: { headers },
        })
        await client.connect()
        try {
          return [person, await play(client, person)] as const
        } finally {
          await client.close()
        }
      }),
    )
    for (const [person, rows] of results) {
      const own = rows.filter(({ id }) => id.startsWith('i-task-'))
      expect(own.map(({ id }) => id)).toEqual(
        [0, 1, 2, 3, 4, 6, 7, 8, 9].map((number) => `i-task-${number}`),
      )
      expect(rows).toHaveLength(3 + 9)
      for (const { values } of rows) expect(values.Task).toContain(canaryOf(person))
      const hours = own.filter(({ values }) => values.Hours !== '')
      expect(hours.map(({ id, values }) => [id, values.Hours])).toEqual([
        ['i-task-3', 3],
        ['i-task-7', 7],
      ])
    }
  }, 60_000)

  it('has sent nothing to Coda but the two tokens of its accounts', () => {
    const expected = people.map((person) => `Bearer ${codaTokens[person]}`)
    expect(new Set(world.coda.credentials)).toEqual(new Set(expected))
    for (const token of Object.values(codaTokens)) {
      expect(world.server.log.join('')).not.toContain(token)
    }
  })
})
