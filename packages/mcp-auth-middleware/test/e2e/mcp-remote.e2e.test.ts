import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { MCP_APPS, sdkV1Stateful } from './mcp-servers.js'
import { createStage, type ProtectedServer } from './protected-server.js'

const stage = createStage()
afterEach(() => stage.stop())

const manifest = createRequire(import.meta.url).resolve('mcp-remote/package.json')
const program = join(dirname(manifest), 'dist/proxy.js')

/**
 * Starts mcp-remote as a desktop client does. It gets its own home and a PATH without programs, so
 * that it finds no browser; the pages that it would open are visited by the test.
 */
async function startMcpRemote({ url }: ProtectedServer, flags: readonly string[]) {
  const home = mkdtempSync(join(tmpdir(), 'mcp-remote-'))
  const noPrograms = join(home, 'bin')
  mkdirSync(noPrograms)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, url, '--transport', 'http-only', '--allow-http', ...flags],
    env: {
      HOME: home,
      USERPROFILE: home,
      MCP_REMOTE_CONFIG_DIR: join(home, 'auth'),
      PATH: noPrograms,
      BROWSER: 'true',
      DISPLAY: '',
    },
    stderr: 'pipe',
  })
  const log: string[] = []
  const pages: string[] = []
  const errors = transport.stderr as Readable
  errors.setEncoding('utf8')
  errors.on('data', (text: string) => {
    log.push(text)
    const page = /visiting:\s+(http:\S+)/.exec(log.join(''))?.[1]
    if (page === undefined || pages.length > 0) return
    pages.push(page)
    // The issuer approves and sends the visitor on to mcp-remote's own callback.
    fetch(page).then(
      (answer) => answer.body?.cancel(),
      () => undefined,
    )
  })
  const client = new Client({ name: 'desktop', version: '1.0.0' })
  stage.later(async () => {
    // Ends the child by its own handle.
    await client.close()
    rmSync(home, { recursive: true, force: true })
  })
  await client.connect(transport as never)
  return { client, pages, log }
}

async function whoami(client: Client): Promise<string> {
  return JSON.stringify(await client.callTool({ name: 'whoami', arguments: {} }))
}

// Each start of mcp-remote takes seconds. By day a server of each SDK, one of the kind that keeps sessions,
// and a sign-in behind the proxy that changes more; by night every server and every layout.
const apps = MCP_APPS.filter(([name]) => isLongForm || name !== 'SDK v1, stateless')
const layouts = (['path', 'stripped prefix only'] as const).filter(
  (layout) => isLongForm || layout !== 'path',
)

describe.each(apps)('mcp-remote in front of a server of %s', (_, app) => {
  it('lists and calls tools with a token that it was given', async () => {
    const server = await stage.start({ app })
    const token = await server.token({ sub: 'ann' })
    const { client, pages } = await startMcpRemote(server, [
      '--header',
      `Authorization:Bearer ${token}`,
    ])
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('whoami')
    expect(await whoami(client)).toContain('ann')
    expect(pages).toEqual([])
  })
})

describe('mcp-remote without a token', () => {
  it.each(layouts)(
    'signs in by itself and reaches a tool of a resource with %s',
    async (layout) => {
      const server = await stage.start({
        app: sdkV1Stateful,
        layout,
        auth: { scopes: { required: ['notes.read'] } },
      })
      const { client, pages, log } = await startMcpRemote(server, [])
      expect(await whoami(client)).toContain('notes.read')
      expect(pages).toHaveLength(1)
      const { searchParams } = new URL(pages[0] ?? '')
      expect(searchParams.get('resource')).toBe(server.url)
      expect(searchParams.get('scope')).toBe('notes.read')
      expect(log.join('')).not.toMatch(/metadata.*(?:failed|not found)/i)
    },
    60_000,
  )
})
