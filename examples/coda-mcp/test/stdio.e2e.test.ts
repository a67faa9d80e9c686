import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Client as ClientV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as TransportV2 } from '@modelcontextprotocol/client/stdio'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { codaTools } from '../src/tools/index.js'
import { createCleanup } from './support/cleanup.js'
import { sampleUpsert } from './support/http-calls.js'
import { listen } from './support/listen.js'
import { type SdkVersion, sdkVersions } from './support/sdk-versions.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'

vi.setConfig({ testTimeout: 30_000 })

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const token = 'canary-coda-token'
const { add, run } = createCleanup()
let coda: RunningStandIn

beforeAll(async () => {
  coda = await startStandIn({ settleMs: 50, acceptsToken: (each) => each === token })
})
afterAll(() => coda.close())
afterEach(run)

const envOf = (more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  CODA_API_TOKEN: token,
  CODA_API_BASE_URL: coda.baseUrl,
  LOG_LEVEL: 'debug',
  ...more,
})

interface Session {
  readonly pid: () => number | null
  readonly log: () => string
  call(name: string, input?: Record<string, unknown>): Promise<string>
  tools(): Promise<readonly string[]>
  close(): Promise<void>
}

/** Collects what a process writes. */
function collect(stream: Readable | null): () => string {
  let text = ''
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return () => text
}

/** Starts the server by a client of an SDK version, as desktop programs do it. */
async function connect(version: SdkVersion, env: Record<string, string>): Promise<Session> {
  const info = { name: 'desktop', version: '1.0.0' }
  const server = {
    command: process.execPath,
    args: [main, '--stdio'],
    env,
    stderr: 'pipe' as const,
  }
  if (version === 'v1') {
    const transport = new TransportV1(server)
    const log = collect(transport.stderr as Readable | null)
    const client = new ClientV1(info)
    await client.connect(transport)
    return {
      pid: () => transport.pid,
      log,
      call: async (name, input = {}) =>
        JSON.stringify(await client.callTool({ name, arguments: input })),
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      close: () => client.close(),
    }
  }
  const transport = new TransportV2(server)
  const log = collect(transport.stderr as Readable | null)
  const mode = version === 'v2, 2025 protocol' ? 'legacy' : { pin: '2026-07-28' }
  const client = new ClientV2(info, { versionNegotiation: { mode } })
  await client.connect(transport)
  return {
    pid: () => transport.pid,
    log,
    call: async (name, input = {}) =>
      JSON.stringify(await client.callTool({ name, arguments: input })),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    close: () => client.close(),
  }
}

/** The process without a client around it. */
function start(argv: readonly string[], env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [main, ...argv], { env, stdio: 'pipe' })
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  add({
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  })
  return { child, stdout, stderr, ended }
}

function message(id: number, method: string, params: object): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`
}
const initialize = message(1, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'pipe', version: '1' },
})
const call = (name: string, input: object = {}): string =>
  message(2, 'tools/call', { name, arguments: input })

// A start takes a second of work, so that each client's server is asked everything before it ends.
describe.each(sdkVersions)('coda-mcp --stdio and a client of SDK %s', (version) => {
  let session: Session
  beforeAll(async () => {
    session = await connect(version, envOf())
  })
  afterAll(() => session.close())

  it('runs every tool', async () => {
    expect([...(await session.tools())].sort()).toEqual(codaTools.map(({ name }) => name).sort())
    expect(await session.call('coda_whoami')).toContain('structuredContent')
    const written = await session.call('coda_upsert_rows', { ...sampleUpsert, wait: true })
    expect(written).toContain('completed')
    expect(coda.received.map(({ headers }) => headers.authorization)).toContain(`Bearer ${token}`)
    expect(session.log()).toContain('coda-mcp serves one client over stdio')
    expect(session.log()).toContain('tool called')
    expect(session.log()).not.toContain(token)
  })

  it('ends when the client closes', async () => {
    const pid = session.pid() ?? 0
    const isAlive = (): boolean => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    expect(isAlive()).toBe(true)
    const closedAt = Date.now()
    await session.close()
    await expect.poll(isAlive, { timeout: 2_000 }).toBe(false)
    // The SDKs wait for two seconds before they send a signal.
    expect(Date.now() - closedAt).toBeLessThan(2_000)
  })
})

describe('coda-mcp --stdio that may not do everything', () => {
  let session: Session
  beforeAll(async () => {
    const env = envOf({ READ_ONLY: 'true', CODA_API_TOKEN: 'canary-wrong' })
    session = await connect('v2, 2025 protocol', env)
  })
  afterAll(() => session.close())

  it('says in words when Coda does not take the token', async () => {
    const answer = await session.call('coda_whoami')
    expect(answer).toContain('coda_unauthorized')
    expect(answer + session.log()).not.toContain('canary')
  })

  it('READ_ONLY leaves the writing tools out', async () => {
    const names = await session.tools()
    expect(names).toContain('coda_list_rows')
    expect(names).not.toContain('coda_upsert_rows')
  })
})

describe('the streams of coda-mcp --stdio', () => {
  it('writes nothing but messages to standard output, and the log to standard error', async () => {
    const { child, stdout, stderr, ended } = start(['--stdio'], envOf({ LOG_LEVEL: 'trace' }))
    child.stdin?.write(`not a message\n${initialize}${call('coda_whoami')}`)
    await expect.poll(stdout, { timeout: 10_000 }).toContain('structuredContent')
    child.stdin?.end()
    expect(await ended).toEqual({ code: 0, signal: null })
    const lines = stdout().trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).jsonrpc)).toEqual(lines.map(() => '2.0'))
    for (const line of stderr().trimEnd().split('\n')) JSON.parse(line)
  })
})

describe('the end of coda-mcp --stdio', () => {
  it('comes at once when the input ends, even with a call under way', async () => {
    let asked = false
    const silent = add(
      await listen(() => {
        asked = true
      }),
    )
    const env = envOf({ CODA_API_BASE_URL: `${silent.origin}/apis/v1` })
    const { child, ended } = start(['--stdio'], env)
    child.stdin?.write(initialize + call('coda_whoami'))
    await expect.poll(() => asked, { timeout: 10_000 }).toBe(true)
    const endedAt = Date.now()
    child.stdin?.end()
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(Date.now() - endedAt).toBeLessThan(2_000)
  })

  it('comes when nobody reads the output any more', async () => {
    const { child, stderr, stdout, ended } = start(['--stdio'], envOf())
    child.stdin?.write(initialize)
    await expect.poll(stdout, { timeout: 10_000 }).toContain('coda-mcp')
    child.stdout?.destroy()
    child.stdin?.write(call('coda_whoami'))
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(stderr()).not.toMatch(/EPIPE.*\n\s+at /)
    expect(stderr()).not.toContain(token)
  })

  it('survives that nobody reads the log any more', async () => {
    const { child, stdout, ended } = start(['--stdio'], envOf({ LOG_LEVEL: 'trace' }))
    child.stderr?.destroy()
    child.stdin?.write(initialize + call('coda_whoami'))
    await expect.poll(stdout, { timeout: 10_000 }).toContain('structuredContent')
    child.stdin?.end()
    expect(await ended).toEqual({ code: 0, signal: null })
  })

  // SIGINT by night: both take the same way through `serveOverStdio`.
  const signals = isLongForm ? (['SIGTERM', 'SIGINT'] as const) : (['SIGTERM'] as const)
  it.each(signals)('%s: ends a wait with what is known', async (signal) => {
    const slow = add(await startStandIn({ settleMs: 60_000 }))
    const { child, stdout, ended } = start(['--stdio'], envOf({ CODA_API_BASE_URL: slow.baseUrl }))
    child.stdin?.write(initialize + call('coda_upsert_rows', { ...sampleUpsert, wait: true }))
    await expect.poll(() => slow.received.length, { timeout: 10_000 }).toBeGreaterThan(1)
    child.kill(signal)
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(stdout()).toContain('queued, not confirmed')
  })
})

describe('the other arguments', () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string }

  // --help by night: its text is held to by `command-line.test.ts`, and an unknown option prints it too.
  const printed: readonly (readonly [argument: string, text: RegExp])[] = [
    ...(isLongForm ? ([['--help', /^Usage: coda-mcp /]] as const) : []),
    ['--version', new RegExp(`^${version.replaceAll('.', '\\.')}\n$`)],
  ]
  it.each(printed)('%s prints and ends, whatever the variables are', async (argument, text) => {
    const { ended, stdout, stderr } = start([argument], { ...envOf(), PORT: 'wrong' })
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(stdout()).toMatch(text)
    expect(stderr()).toBe('')
  })

  it('refuses what it does not know, on standard error and with code 2', async () => {
    const { ended, stdout, stderr } = start(['--sdtio'], envOf())
    expect(await ended).toEqual({ code: 2, signal: null })
    expect(stdout()).toBe('')
    expect(stderr()).toContain('does not know the option --sdtio')
    expect(stderr()).toContain('Usage: coda-mcp')
  })

  it('says what --stdio lacks, without a stack and with code 1', async () => {
    const { ended, stdout, stderr } = start(['--stdio'], { PATH: process.env.PATH ?? '' })
    expect(await ended).toEqual({ code: 1, signal: null })
    expect(stdout()).toBe('')
    expect(stderr()).toContain('CODA_API_TOKEN is missing')
    expect(stderr()).not.toMatch(/^\s+at /m)
  })
})
