import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { findFreePort } from './free-port.js'
import { listen } from './listen.js'
import { outputValidators } from './output-validators.js'
import { approve, type Person } from './person.js'

const proxy = join(
  dirname(createRequire(import.meta.url).resolve('mcp-remote/package.json')),
  'dist/proxy.js',
)

const CONNECT_MILLISECONDS = 25_000
const LISTEN_MILLISECONDS = 10_000

/** Stands in for the browser: tells the person of the page it is given, and shows nothing. */
const browser = `#!/usr/bin/env node
fetch(process.env.PERSON, { method: 'POST', body: process.argv[2] })
`

/**
 * Goes back to the program that opened the page. It listens shortly after it has opened the browser, and
 * this person is faster than any other.
 */
async function comeBack(callback: URL): Promise<void> {
  const until = Date.now() + LISTEN_MILLISECONDS
  for (;;) {
    try {
      await fetch(callback)
      return
    } catch (error) {
      if (Date.now() > until) throw error
      await pause(50)
    }
  }
}

/** A desktop with mcp-remote on it, and a person in front of it. */
export interface Desktop {
  /** Paths of the pages that were opened, until now. */
  readonly visited: readonly string[]
  /** Starts mcp-remote as Claude Desktop does, with what it kept in `home`. */
  connect(resource: string, home: string, ...options: readonly string[]): Promise<Client>
  /** A folder for what mcp-remote keeps. */
  createHome(): string
  /** Path of the file of a home in which tokens are kept. */
  tokenFile(home: string): string
  close(): Promise<void>
}

export async function createDesktop(person: Person = {}): Promise<Desktop> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-remote-'))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  // The names under which the ways to open a browser are looked up, on Linux and macOS.
  for (const name of ['browser', 'xdg-open', 'open']) {
    writeFileSync(join(bin, name), browser)
    chmodSync(join(bin, name), 0o755)
  }
  const visited: string[] = []
  const sitting = await listen((request, response) => {
    const visit = async (): Promise<void> => {
      const page = new URL(await text(request))
      visited.push(page.pathname)
      response.end()
      await comeBack(await approve(page, person))
    }
    visit().catch((error: unknown) => visited.push(String(error)))
  })
  const clients: Client[] = []
  return {
    visited,
    createHome: () => mkdtempSync(join(folder, 'home-')),
    tokenFile(home) {
      const names = readdirSync(home, { recursive: true, encoding: 'utf8' })
      const name = names.find((each) => each.endsWith('tokens.json'))
      if (name === undefined) throw new Error('mcp-remote has kept no tokens')
      return join(home, name)
    },
    async connect(resource, home, ...options) {
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [proxy, resource, String(await findFreePort()), ...options],
        // Without a desktop in the environment, `xdg-open` falls back to BROWSER.
        env: {
          PATH: `${bin}:${process.env.PATH}`,
          HOME: home,
          MCP_REMOTE_CONFIG_DIR: join(home, 'config'),
          BROWSER: join(bin, 'browser'),
          PERSON: sitting.origin,
        },
        stderr: 'pipe',
      })
      let log = ''
      transport.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString()
      })
      const client = new Client({ name: 'desktop', version: '1.0.0' }, outputValidators.v1)
      clients.push(client)
      await client.connect(transport, { timeout: CONNECT_MILLISECONDS }).catch((cause: unknown) => {
        throw new Error(`mcp-remote did not connect, after ${visited}: ${log}`, { cause })
      })
      return client
    },
    async close() {
      for (const client of clients) await client.close()
      await sitting.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
