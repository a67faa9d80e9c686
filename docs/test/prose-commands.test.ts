import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from '../../examples/coda-mcp/test/support/free-port.js'
import {
  startTestServer,
  type TestServer,
} from '../../examples/coda-mcp/test/support/test-server.js'
import type { Document } from './documents.js'
import { differences, runBlocks, type ShellBlock, shellBlocks } from './shell-blocks.js'
import { ROOT } from './snippets.js'

const START_MILLISECONDS = 180_000

const read = (path: string): Document => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })

// On CI what cannot run is a failure.
const hasCurl =
  spawnSync('curl', ['--version']).status === 0 || /^(?:1|true)$/i.test(process.env.CI ?? '')
if (!hasCurl) process.stderr.write('[commands] no curl here: they are left out\n')

let server: TestServer
let metricsPort: string
const home = mkdtempSync(join(tmpdir(), 'mcp-auth-prose-'))

beforeAll(async () => {
  metricsPort = String(await findFreePort())
  server = await startTestServer({ METRICS_PORT: metricsPort, MCP_REFUSAL_LIMIT: '300' })
}, START_MILLISECONDS)

afterAll(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

/** Blocks about a running server, without those that need its database as well. */
function blocksOf(path: string): ShellBlock[] {
  return shellBlocks(read(path)).filter(
    ({ script, output }) => output !== undefined && script.includes('curl '),
  )
}

async function run(blocks: readonly ShellBlock[]): Promise<string[]> {
  const replaced = { 'https://coda.example.com': server.url, '9464': metricsPort }
  const token = /Bearer (mcp_[\w-]+)/.exec(server.printed)?.[1] ?? ''
  const results = await runBlocks(blocks, { cwd: home, env: { TOKEN: token }, replaced })
  return differences(results, replaced)
}

describe.skipIf(!hasCurl)('what the documents say of a running server', () => {
  it.each([
    ['docs/TROUBLESHOOTING.md', 20],
    ['docs/GO_LIVE.md', 7],
  ] as const)(
    '%s: every command prints what stands below it',
    async (path, least) => {
      const blocks = blocksOf(path)
      expect(blocks.length).toBeGreaterThanOrEqual(least)
      expect(await run(blocks)).toEqual([])
    },
    START_MILLISECONDS,
  )

  it(
    'docs/OAUTH_SOP.md: the audit asks the doctor, and fills rows from its report',
    async () => {
      const page = read('docs/OAUTH_SOP.md')
      const audit = page.text.slice(page.text.indexOf('\n## Audit'))
      const [ask, fill] = shellBlocks({ path: page.path, text: audit })
      if (ask === undefined || fill === undefined) throw new Error('the audit has no steps')
      const replaced = { 'https://coda.example.com': server.url }
      const results = await runBlocks([ask, fill], { cwd: home, env: {}, replaced })
      expect(results.map(({ code }) => code)).toEqual([0, 0])
      const [summary, ...findings] = results[1]?.stdout.split('\n') ?? []
      expect(summary).toMatch(
        new RegExp(
          `^\\| 20\\S+Z \\| ${server.url}/mcp \\| (?:passed|warnings|failed) (?:\\| \\d+ ){4}\\|$`,
        ),
      )
      for (const row of findings) expect(row).toMatch(/^\| DR-\d+ \| (?:error|warning) \| /)
    },
    START_MILLISECONDS,
  )

  it('would find another output', async () => {
    const block = { place: 'x', script: `curl -s https://coda.example.com/health/ready\n` }
    expect(await run([{ ...block, output: '{"status":"ready"}\n' }])).toEqual([])
    expect(await run([{ ...block, output: '{"status":…}\n' }])).toEqual([])
    expect(await run([{ ...block, output: '{"status":"read"}\n' }])).toHaveLength(1)
    expect(await run([{ ...block, output: '"status":"ready"\n' }])).toHaveLength(1)
  })
})
