import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codaTools } from '../src/tools/index.js'
import { codaOperations } from '../src/tools/operations.js'
import { readApiOperations } from './support/api-operations.js'
import { createFakeClock, type FakeClock } from './support/fake-clock.js'
import {
  codaToken,
  connect,
  type RunningApp,
  sdkVersions,
  startApp,
  type TestClient,
} from './support/mcp.js'
import { apiDescriptionMissing, type RunningStandIn, startStandIn } from './support/stand-in.js'
import { inputsOf, toolCalls } from './support/tool-calls.js'

if (apiDescriptionMissing) {
  console.warn('operations.test.ts: skipped where it needs the API description, which is absent')
}

// Administration of an organisation: its members are nobody's docs.
const leftOut = ['Workspaces']

describe.skipIf(apiDescriptionMissing)('operations of the API description', () => {
  const documented = apiDescriptionMissing
    ? []
    : readApiOperations().filter(({ tags }) => !tags.some((tag) => leftOut.includes(tag)))

  it('are the ones that this server knows, none left out and none invented', () => {
    expect(documented).toHaveLength(48)
    expect([...codaOperations].sort()).toEqual(documented.map(({ id }) => id).sort())
  })

  it.each(documented.map(({ id }) => id))('%s has a tool', (id) => {
    const tools = codaTools.filter(({ operations }) => operations.some((name) => name === id))
    expect(tools.map(({ name }) => name)).not.toEqual([])
  })
})

describe('every tool', () => {
  const documented = apiDescriptionMissing ? [] : readApiOperations()
  const answers = new Map<string, Record<string, unknown>>()
  let clock: FakeClock
  let standIn: RunningStandIn
  let app: RunningApp
  let client: TestClient

  beforeAll(async () => {
    clock = createFakeClock()
    standIn = await startStandIn({
      checked: !apiDescriptionMissing,
      now: clock.now,
      acceptsToken: (token) => token === codaToken,
    })
    app = await startApp({ codaBaseUrl: standIn.baseUrl, clock })
    client = await connect(app.origin, sdkVersions[2])
  })
  afterAll(async () => {
    await client.close()
    await app.close()
    await standIn.close()
  })

  it('has a call here', () => {
    expect(Object.keys(toolCalls).sort()).toEqual(codaTools.map(({ name }) => name).sort())
  })

  it.each(Object.entries(toolCalls))('%s works as documented', async (name, input) => {
    const tool = codaTools.find((candidate) => candidate.name === name)
    if (tool === undefined) throw new Error(`${name} is not a tool`)
    const before = standIn.received.length
    for (const each of inputsOf(input, answers)) {
      const result = await client.call(name, each)
      expect(result.text).not.toBe('')
      expect([result.isError, result.text]).toEqual([false, expect.any(String)])
      const structured = tool.outputSchema.strict().safeParse(result.structured)
      expect(structured.error).toBeUndefined()
      answers.set(name, result.structured ?? {})
    }

    if (apiDescriptionMissing) return
    const sent = new Set(
      standIn.received
        .slice(before)
        // The link of an export is no operation of the API.
        .filter(({ headers }) => headers.authorization !== undefined)
        .map((request) => documented.find(({ matches }) => matches(request))?.id),
    )
    if ('wait' in tool.inputSchema.shape) sent.delete('getMutationStatus')
    expect([...sent].sort()).toEqual([...tool.operations].sort())
  })
})
