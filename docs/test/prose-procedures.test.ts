import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { describe, expect, it, onTestFinished } from 'vitest'
import { infisicalEnvironment } from '../../packages/cli/test/support/environments.js'
import { startFakeCoda } from '../../packages/cli/test/support/fake-coda.js'
import { testEngines } from '../../packages/store-postgres/test/support/engines.js'
import type { Document } from './documents.js'
import { differences, runBlocks, type ShellBlock, shellBlocks } from './shell-blocks.js'
import { ROOT } from './snippets.js'

const CANARY = 'canary-coda-token-51f7'
const RUN_MILLISECONDS = 240_000

const read = (path: string): Document => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })

/** A folder that stands for the mounted secrets, with these files. */
function secretsFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-procedures-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content, { mode: 0o600 })
  }
  return folder
}

/** The blocks of one part of a page that need no running server. */
function phaseBlocks(page: Document, heading: string): ShellBlock[] {
  const start = page.text.indexOf(`\n## ${heading}`)
  const end = page.text.indexOf('\n## ', start + 1)
  expect(start, heading).toBeGreaterThan(0)
  const blocks = shellBlocks({
    path: `${page.path} (${heading})`,
    text: page.text.slice(start, end),
  })
  return blocks.filter(({ script }) => !script.includes('coda.example.com'))
}

// On CI what cannot run is a failure; elsewhere the one command of PostgreSQL's own may be missing.
const hasPsql =
  spawnSync('psql', ['--version']).status === 0 || /^(?:1|true)$/i.test(process.env.CI ?? '')
if (!hasPsql) process.stderr.write('[procedures] no psql here: one count is left out\n')

const server = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)

describe.skipIf(server === undefined)('docs/OAUTH_SOP.md', () => {
  it(
    'leads from phase 1 to 2 to 3 and back to 2 by its own commands',
    async () => {
      const database = await server?.createDatabase()
      onTestFinished(async () => database?.drop())
      const { env: infisical, fake } = await infisicalEnvironment()
      const coda = await startFakeCoda(CANARY)
      const secrets = secretsFolder({
        coda: CANARY,
        database: database?.connectionString ?? '',
        infisical: infisical.INFISICAL_CLIENT_SECRET ?? '',
      })
      const { TOKEN_STORE: _, INFISICAL_CLIENT_SECRET: __, ...variables } = infisical
      const page = read('docs/OAUTH_SOP.md')
      const blocks = [
        'Phase 1: environment',
        'Phase 2: encrypted PostgreSQL',
        'Phase 3: Infisical',
      ].flatMap((heading) => phaseBlocks(page, heading))
      expect(blocks.length).toBeGreaterThan(9)

      const replaced = { '/run/secrets': secrets }
      const env = { ...variables, CODA_API_BASE_URL: coda.baseUrl }
      const results = await runBlocks(blocks, { cwd: secrets, env, replaced })
      expect(differences(results, replaced)).toEqual([])
      expect(results.filter(({ code }) => code !== 0).map(({ block }) => block.place)).toEqual([])
      for (const { stdout } of results) expect(stdout).not.toContain(CANARY)
      expect(readFileSync(join(secrets, 'coda.env'), 'utf8')).toContain(CANARY)
      expect(coda.seen.length).toBeGreaterThan(1)
      expect(fake.requests.length).toBeGreaterThan(4)
    },
    RUN_MILLISECONDS,
  )

  it.skipIf(!hasPsql)(
    'counts the people of 30 days by the commands that it gives',
    async () => {
      const database = await server?.createDatabase()
      onTestFinished(async () => database?.drop())
      const env = {
        DATABASE_URL: database?.connectionString ?? '',
        MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey(),
      }
      const blocks = phaseBlocks(read('docs/OAUTH_SOP.md'), 'When to move on')
      const migrate = { place: 'test', script: 'mcp-auth db migrate\n', output: undefined }
      const results = await runBlocks([migrate, ...blocks], { cwd: secretsFolder({}), env })
      expect(results.map(({ code }) => code)).toEqual([0, 0])
      expect(results[1]?.stdout).toMatch(/^active in 30 days: 0\n0$/m)
    },
    RUN_MILLISECONDS,
  )
})

describe.skipIf(server === undefined)('the guides to clients', () => {
  it(
    'register each client by commands that work',
    async () => {
      const database = await server?.createDatabase()
      onTestFinished(async () => database?.drop())
      const names = ['chatgpt', 'claude', 'cursor', 'vscode']
      const blocks = names
        .flatMap((name) => shellBlocks(read(`docs/guides/client-${name}.md`)))
        .filter(({ script }) => script.includes('mcp-auth clients create'))
      expect(blocks).toHaveLength(names.length)
      const folder = secretsFolder({})
      mkdirSync(join(folder, 'data'))
      const env = {
        DATABASE_URL: database?.connectionString ?? '',
        MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey(),
      }
      const migrate = { place: 'test', script: 'mcp-auth db migrate\n', output: undefined }
      const results = await runBlocks([migrate, ...blocks], { cwd: folder, env })
      expect(results.filter(({ code }) => code !== 0)).toEqual([])
      for (const { stdout } of results.slice(1)) expect(stdout).toContain('client id: ')
    },
    RUN_MILLISECONDS,
  )
})
