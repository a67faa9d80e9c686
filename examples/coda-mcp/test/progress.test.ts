import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeClock, type FakeClock } from './support/fake-clock.js'
import { post } from './support/http-calls.js'
import {
  codaToken,
  type RunningApp,
  type SdkVersion,
  sdkVersions,
  startApp,
} from './support/mcp.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'

interface Progress {
  readonly progress: number
  readonly message?: string | undefined
}

interface Call {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

const rename: Call = {
  name: 'coda_rename_page',
  arguments: { docId: 'SampleDoc1', pageIdOrName: 'Notes', newName: 'Notes', wait: true },
}
const exportCall: Call = {
  name: 'coda_get_page_content',
  arguments: { docId: 'SampleDoc1', pageIdOrName: 'Notes', outputFormat: 'markdown' },
}

let clock: FakeClock
let standIn: RunningStandIn
let app: RunningApp

beforeAll(async () => {
  clock = createFakeClock()
  standIn = await startStandIn({ now: clock.now, settleMs: 6_000 })
  app = await startApp({ codaBaseUrl: standIn.baseUrl, clock })
})
afterAll(async () => {
  await app.close()
  await standIn.close()
})

/** Calls a tool with a progress handler, and tells what it heard. */
async function callWithProgress(version: SdkVersion, call: Call): Promise<[unknown, Progress[]]> {
  const heard: Progress[] = []
  const onprogress = (progress: Progress): void => void heard.push(progress)
  const url = new URL('/mcp', app.origin)
  const options = { requestInit: { headers: { authorization: 'Bearer inbound' } } }
  const info = { name: 'test', version: '1.0.0' }
  if (version === 'v1') {
    const client = new ClientV1(info)
    const transport = new TransportV1(url, options)
    // The two SDK versions disagree with exactOptionalPropertyTypes about `sessionId`.
    await client.connect(transport as Parameters<typeof client.connect>[0])
    const result = await client.callTool({ ...call }, undefined, { onprogress })
    await client.close()
    return [result, heard]
  }
  const mode = version === 'v2, 2025 protocol' ? 'legacy' : { pin: '2026-07-28' }
  const client = new ClientV2(info, { versionNegotiation: { mode } })
  await client.connect(new TransportV2(url, options))
  const result = await client.callTool({ ...call }, { onprogress })
  await client.close()
  return [result, heard]
}

describe.each(sdkVersions)('progress, SDK %s', (version: SdkVersion) => {
  it.each([
    ['a change that is waited for', rename, 'Coda has not applied the change yet'],
    ['an export', exportCall, 'Coda is exporting the page'],
  ])('is reported while %s is under way', async (_what, call, message) => {
    const [result, heard] = await callWithProgress(version, call)
    expect(Object(result).isError).not.toBe(true)
    expect(heard.length).toBeGreaterThan(1)
    expect(heard).toMatchObject(heard.map((_one, index) => ({ progress: index + 1, message })))
  })
})

describe('answers to requests of earlier revisions', () => {
  const headers = { 'mcp-protocol-version': '2025-11-25' }

  it('are one JSON document without a progressToken', async () => {
    const response = await post(`${app.origin}/mcp`, 'tools/call', {
      ...{ token: 'inbound', params: exportCall, headers },
    })
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toMatchObject({ result: { structuredContent: {} } })
  })

  it('are a stream of events with one', async () => {
    const params = { ...exportCall, _meta: { progressToken: 'canary-7' } }
    const response = await post(`${app.origin}/mcp`, 'tools/call', {
      ...{ token: 'inbound', params, headers },
    })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const text = await response.text()
    expect(text).toContain('"progressToken":"canary-7"')
    expect(text).toContain('"structuredContent"')
  })

  it('are JSON where the token is in the text of an input only', async () => {
    const params = { ...exportCall, arguments: { ...exportCall.arguments, docId: 'progressToken' } }
    const response = await post(`${app.origin}/mcp`, 'tools/call', {
      ...{ token: 'inbound', params, headers },
    })
    expect(response.headers.get('content-type')).toContain('application/json')
  })

  it('never hold the token of Coda', async () => {
    const params = { ...exportCall, _meta: { progressToken: 1 } }
    const response = await post(`${app.origin}/mcp`, 'tools/call', {
      ...{ token: 'inbound', params, headers },
    })
    expect(await response.text()).not.toContain(codaToken)
  })
})
