import { describe, expect, it } from 'vitest'
import { codaTools } from '../src/tools/index.js'
import type { CodaTool } from '../src/tools/tool.js'
import { inventoryMissing, readInventory } from './support/api-operations.js'

if (inventoryMissing) {
  console.warn('drop-in.test.ts: skipped, because the inventory of other servers is absent')
}

const cells = [{ column: 'Name', value: 'Ada' }]

/** A value for each input, in the type that both servers declare. */
const shared: Readonly<Record<string, unknown>> = {
  docId: 'AbCDeFGH12',
  pageIdOrName: 'canvas-1',
  tableIdOrName: 'grid-1',
  rowIdOrName: 'i-1',
  columnIdOrName: 'c-1',
  formulaIdOrName: 'f-1',
  controlIdOrName: 'ctrl-1',
  parentPageId: 'canvas-2',
  sourceDoc: 'AbCDeFGH13',
  folderId: 'fl-1',
  query: 'plan',
  name: 'Plan',
  newName: 'Plan B',
  title: 'Plan',
  subtitle: 'What has to happen',
  iconName: 'rocket',
  content: '# Plan',
  url: 'https://coda.io/d/Plan_dAbCDeFGH12',
  limit: 1_000,
  nextPageToken: 'token',
  numLines: 30,
  useColumnNames: true,
  visibleOnly: true,
  includeContent: true,
  isOwner: true,
  isPublished: false,
}

/** Where the servers differ from each other, or one tool from another. */
const examples: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  // Its arrays are texts of JSON.
  'orellazri/coda-mcp': {
    rows: JSON.stringify([{ cells }]),
    cells: JSON.stringify(cells),
    keyColumns: '["Name"]',
    rowIds: '["i-1","i-2"]',
    sortBy: 'natural',
    valueFormat: 'rich',
  },
  'dustinrgood/coda-mcp': {
    rows: [{ Name: 'Ada', Tags: ['a', 'b'], Age: 36, Active: true }],
    values: { Name: 'Ada', Age: 36 },
    updates: [{ rowIdOrName: 'i-1', values: { Name: 'Ada' } }],
    keyColumns: ['Name'],
    rowIds: ['i-1', 'i-2'],
    tableTypes: ['table', 'view'],
  },
}
const sortBy: Readonly<Record<string, string>> = {
  coda_list_rows: 'updatedAt',
  coda_list_formulas: 'name',
  coda_list_controls: 'name',
}

function exampleOf(server: string, tool: string, input: string): unknown {
  const value =
    examples[server]?.[input] ?? shared[input] ?? (input === 'sortBy' ? sortBy[tool] : undefined)
  if (value === undefined) throw new Error(`no example for ${input} of ${tool}`)
  return value
}

function toolNamed(name: string): CodaTool | undefined {
  return codaTools.find((tool) => tool.name === name)
}

describe.skipIf(inventoryMissing).each(Object.keys(examples))('clients of %s', (server) => {
  const tools = inventoryMissing ? [] : readInventory(server)

  it.each(tools)('find %s with its inputs', (name, declared) => {
    const tool = toolNamed(name)
    if (tool === undefined) throw new Error(`there is no ${name}`)
    const inputs = declared.map((input) => input.replace('?', ''))
    expect(Object.keys(tool.inputSchema.shape)).toEqual(expect.arrayContaining(inputs))

    const complete = Object.fromEntries(
      inputs.map((input) => [input, exampleOf(server, name, input)]),
    )
    expect(tool.inputSchema.safeParse(complete).error).toBeUndefined()

    const required = declared.filter((input) => !input.endsWith('?'))
    const least = Object.fromEntries(required.map((input) => [input, complete[input]]))
    expect(tool.inputSchema.safeParse(least).error).toBeUndefined()
  })
})

describe('arrays as texts of JSON', () => {
  const row = { docId: 'AbCDeFGH12', tableIdOrName: 'grid-1' }

  it.each([
    ['coda_upsert_rows', 'rows', [{ cells }]],
    ['coda_create_rows', 'rows', [{ Name: 'Ada' }]],
    ['coda_delete_rows', 'rowIds', ['i-1']],
    ['coda_bulk_update_rows', 'updates', [{ rowIdOrName: 'i-1', values: { Name: 'Ada' } }]],
  ])('%s takes them for %s and hands on the array', (name, input, value) => {
    const schema = toolNamed(name)?.inputSchema
    for (const form of [value, JSON.stringify(value)]) {
      expect(schema?.safeParse({ ...row, [input]: form }).data).toMatchObject({ [input]: value })
    }
  })

  it.each([
    ['no JSON', 'i-1, i-2'],
    ['JSON of an object', '{"0":"i-1"}'],
    ['JSON of an array of something else', '[1]'],
    ['an empty array', '[]'],
    ['JSON in JSON', JSON.stringify('["i-1"]')],
    ['nothing', ''],
  ])('are refused when they are %s', (_what, rowIds) => {
    expect(toolNamed('coda_delete_rows')?.inputSchema.safeParse({ ...row, rowIds }).success).toBe(
      false,
    )
  })
})
