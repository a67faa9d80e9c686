import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDesktop, type Desktop } from './support/mcp-remote.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const { add, run } = createCleanup()
let server: TestServer
let desktop: Desktop

beforeAll(async () => {
  server = add(await startTestServer())
  desktop = add(await createDesktop())
}, 120_000)
afterAll(run)

async function connectThroughProxy(): Promise<Client> {
  return await desktop.connect(server.resource, desktop.createHome())
}

describe('mcp-remote', () => {
  it('signs in through the browser with nothing but the URL, and reads', async () => {
    const client = await connectThroughProxy()
    expect(desktop.visited).toEqual(['/oauth/authorize'])
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('coda_upsert_rows')
    const call = async (name: string, input: Record<string, unknown> = {}): Promise<string> =>
      JSON.stringify(await client.callTool({ name, arguments: input }))
    expect(await call('coda_whoami')).toContain('structuredContent')
    expect(await call('coda_list_documents')).toContain('Team offsite')
    const table = { docId: 'SampleDoc1', tableIdOrName: 'Tasks' }
    expect(await call('coda_list_rows', table)).toContain('Book the venue')
  })

  // It cannot step up later: it answers a 403 by asking for the scopes that it has.
  it('may write at once, since the first challenge names all scopes', async () => {
    const client = await connectThroughProxy()
    const call = async (name: string, input: Record<string, unknown>): Promise<string> =>
      JSON.stringify(await client.callTool({ name, arguments: input }))
    const table = { docId: 'SampleDoc1', tableIdOrName: 'Tasks' }
    const rows = [{ cells: [{ column: 'Task', value: 'Written through a proxy' }] }]
    await call('coda_upsert_rows', { ...table, rows, wait: true })
    expect(await call('coda_list_rows', table)).toContain('Written through a proxy')
  })
})
