import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from './support/free-port.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const proxy = join(
  dirname(createRequire(import.meta.url).resolve('mcp-remote/package.json')),
  'dist/proxy.js',
)
const { add, run } = createCleanup()
let server: TestServer
let folder: string

/** Stands in for the browser: visits the page it is given, notes that, and shows nothing. */
const browser = `#!/usr/bin/env node
const { appendFileSync } = require('node:fs')
const url = process.argv[2]
fetch(url).then(async (response) => {
  appendFileSync(process.env.VISITED, new URL(url).pathname + ' ' + response.status + '\\n')
})
`

beforeAll(async () => {
  server = add(await startTestServer())
  folder = mkdtempSync(join(tmpdir(), 'mcp-remote-'))
  add({ close: async () => rmSync(folder, { recursive: true, force: true }) })
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  // The names under which the ways to open a browser are looked up, on Linux and macOS.
  for (const name of ['browser', 'xdg-open', 'open']) {
    writeFileSync(join(bin, name), browser)
    chmodSync(join(bin, name), 0o755)
  }
})
afterAll(run)

/** Starts mcp-remote as Claude Desktop does, with a home of its own. Ended by its process id. */
async function connectThroughProxy(...options: readonly string[]): Promise<Client> {
  const home = mkdtempSync(join(folder, 'home-'))
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [proxy, server.resource, String(await findFreePort()), ...options],
    // Without a desktop in the environment, `xdg-open` falls back to BROWSER.
    env: {
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      HOME: home,
      MCP_REMOTE_CONFIG_DIR: join(home, 'config'),
      BROWSER: join(folder, 'bin', 'browser'),
      VISITED: join(folder, 'visited'),
    },
    stderr: 'pipe',
  })
  const client = new Client({ name: 'desktop', version: '1.0.0' })
  add({ close: async () => await client.close() })
  await client.connect(transport)
  return client
}

describe('mcp-remote', () => {
  it('signs in through the browser with nothing but the URL, and reads', async () => {
    const client = await connectThroughProxy()
    expect(readFileSync(join(folder, 'visited'), 'utf8')).toMatch(/^\S*authorize 200\n$/)
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
