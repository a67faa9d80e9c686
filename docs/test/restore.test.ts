import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { loadOrCreateKeyFile } from '@bestviable/mcp-auth-store-postgres'
import { describe, expect, it, onTestFinished } from 'vitest'
import { machineBinaries } from '../../packages/store-postgres/test/support/binaries.js'
import {
  type TestDatabase,
  testEngines,
} from '../../packages/store-postgres/test/support/engines.js'
import { fillWithPglite } from '../../packages/store-postgres/test/support/prepared-folders.js'
import { isLongForm } from '../../test/security/support/long-form.js'
import { sectionOf } from './documents.js'
import { startRestorableServer } from './restore-server.js'
import {
  differences,
  runBlocks,
  type ShellBlock,
  type ShellResult,
  shellBlocks,
} from './shell-blocks.js'
import { ROOT } from './snippets.js'

const CANARY = 'canary-restored-2b9e'
const RUN_MILLISECONDS = 300_000

const path = 'docs/GO_LIVE.md'
const page = { path, text: readFileSync(join(ROOT, path), 'utf8') }
const documented = shellBlocks({ path, text: sectionOf(page, 'Backup and restore') })

/** The one block of the page that holds all these texts. */
function block(...texts: readonly string[]): ShellBlock {
  const [found, ...others] = documented.filter(({ script }) =>
    texts.every((text) => script.includes(text)),
  )
  if (found === undefined || others.length > 0) {
    throw new Error(`${path} has not one block with ${texts.join(' and ')}`)
  }
  return found
}

const BLOCKS = {
  dump: block('pg_dump'),
  export: block('MIGRATOR_DATABASE_URL', 'db export'),
  keys: block('keys status'),
  fromDump: block('pg_restore'),
  fromExport: block('RESTORED_DATABASE_URL', 'db import'),
  otherKey: block('OTHER_KEY'),
  pglite: block('--data-dir .restored'),
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-restore-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const command = (script: string): ShellBlock => ({ place: 'test', script, output: undefined })

/** Stores a credential of the service and one of a person, or shows what is stored. */
const SET =
  command(`printf %s ${CANARY}-service | mcp-auth tokens set coda --yes --quiet < /dev/stdin
printf %s ${CANARY}-ann | mcp-auth tokens set coda --issuer https://login.example.com --subject ann --yes --quiet`)
const GET = command(`mcp-auth tokens get coda --reveal --yes
mcp-auth tokens get coda --issuer https://login.example.com --subject ann --reveal --yes`)

function expectSecrets([shown]: readonly ShellResult[]): void {
  expect(shown?.stdout).toContain(`secret: ${CANARY}-service`)
  expect(shown?.stdout).toContain(`secret: ${CANARY}-ann`)
}

const machine = testEngines().find(({ name }) => name === 'PostgreSQL of the machine')
const binaries = machineBinaries()
const folder = 'missing' in binaries ? '' : binaries.folder

/** Why the programs of PostgreSQL cannot be used here. */
function missing(): string | undefined {
  if ('missing' in binaries) return binaries.missing
  const without = ['pg_dump', 'pg_restore'].filter((name) => !existsSync(join(folder, name)))
  return without.length === 0 ? undefined : `no ${without.join(', ')} beside this PostgreSQL`
}

const reason = missing()
if (reason !== undefined) process.stderr.write(`[restore] PostgreSQL is left out: ${reason}\n`)
// On CI what cannot run is a failure.
const isLeftOut = reason !== undefined && !/^(?:1|true)$/i.test(process.env.CI ?? '')

async function createPostgres(): Promise<TestDatabase & { readonly connectionString: string }> {
  const database = await machine?.createDatabase()
  if (database?.connectionString === undefined) throw new Error(reason ?? 'no PostgreSQL')
  return { ...database, connectionString: database.connectionString }
}

/** By day the format of this package is taken on PGlite, below. */
const backups = [
  ['pg_dump and pg_restore', BLOCKS.dump, BLOCKS.fromDump, 'mcp-auth.dump'],
  ...(isLongForm
    ? [
        [
          'mcp-auth db export and import',
          BLOCKS.export,
          BLOCKS.fromExport,
          'mcp-auth.jsonl',
        ] as const,
      ]
    : []),
] as const

describe.skipIf(isLeftOut)('backup and restore on PostgreSQL, as GO_LIVE.md prints it', () => {
  it.each(backups)(
    'by %s: credentials read back, apps go on, people sign in, and nothing opens without the key',
    async (_name, backUp, restore, file) => {
      const encryptionKeys = generateEncryptionKey()
      const cwd = temporaryFolder()
      const lost = await createPostgres()
      const variables = (url: string) => ({
        // The programs have to be of the server's version.
        PATH: `${folder}:${process.env.PATH}`,
        TOKEN_STORE: 'postgres',
        DATABASE_URL: url,
        MIGRATOR_DATABASE_URL: lost.connectionString,
        MCP_AUTH_ENCRYPTION_KEYS: encryptionKeys,
      })

      // A server with somebody who connected an app, and with credentials.
      const before = await startRestorableServer({ options: lost.options, encryptionKeys })
      const ann = await before.connect('ann')
      const late = await before.connect('ann')
      const suspended = await before.connect('bob')
      const env = variables(lost.connectionString)
      const backedUp = await runBlocks([SET, backUp, BLOCKS.keys], { cwd, env })
      expect(backedUp.map(({ code }) => code)).toEqual([0, 0, 0])
      expect(differences(backedUp)).toEqual([])
      expect(readFileSync(join(cwd, file)).includes(CANARY)).toBe(false)
      expect(readFileSync(join(cwd, file)).includes(ann.tokens.refresh_token)).toBe(false)

      // What happens after the backup is lost.
      const refreshed = await before.refresh(late)
      expect(refreshed).toBeDefined()
      const after = await before.connect('ann')
      await before.as.users.suspend('bob@example.com')
      await before.close()
      await lost.drop()

      const restored = await createPostgres()
      onTestFinished(restored.drop)
      const place = { options: restored.options, encryptionKeys }
      const done = await runBlocks([restore, BLOCKS.otherKey, GET], {
        cwd,
        env: {
          ...variables(restored.connectionString),
          RESTORED_DATABASE_URL: restored.connectionString,
        },
      })
      expect(differences(done)).toEqual([])
      expect(done.map(({ code }) => code)).toEqual([0, 0, 0])
      expectSecrets(done.slice(2))

      const { port } = before
      await expect(
        startRestorableServer({ ...place, encryptionKeys: generateEncryptionKey() }, port),
      ).rejects.toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION' }))
      const again = await startRestorableServer(place, port)
      expect(await again.accepts(ann)).toBe(true)
      expect(await again.refresh(ann)).toBeDefined()
      expect(await again.refresh(suspended)).toBeDefined()
      expect(await again.refresh(after)).toBeUndefined()
      expect(refreshed && (await again.refresh(refreshed))).toBeUndefined()
      expect(await again.accepts(await again.connect('bob'))).toBe(true)
    },
    RUN_MILLISECONDS,
  )

  it(
    'makes new signing keys when they are lost: apps refresh by themselves',
    async () => {
      const encryptionKeys = generateEncryptionKey()
      const database = await createPostgres()
      onTestFinished(database.drop)
      const place = { options: database.options, encryptionKeys }
      const before = await startRestorableServer(place)
      const ann = await before.connect('ann')
      await before.close()
      const removed = spawnSync(
        join(folder, 'psql'),
        ['-d', database.connectionString, '-qAtc', 'DELETE FROM mcp_auth.signing_keys'],
        { encoding: 'utf8' },
      )
      expect([removed.status, removed.stderr]).toEqual([0, ''])

      const again = await startRestorableServer(place, before.port)
      expect(await again.accepts(ann)).toBe(false)
      expect(await again.refresh(ann)).toBeDefined()
    },
    RUN_MILLISECONDS,
  )
})

describe('backup and restore on PGlite, as GO_LIVE.md prints it', () => {
  it(
    'by mcp-auth db export and import, with the copy of the key file',
    async () => {
      const cwd = temporaryFolder()
      const env = { TOKEN_STORE: 'postgres' }
      const { keys: encryptionKeys, path: keyFile } = loadOrCreateKeyFile(join(cwd, '.data'))
      copyFileSync(keyFile, join(cwd, 'copy-of-encryption-keys'))
      fillWithPglite(join(cwd, '.data'))
      // The commands go through the running server: an embedded database takes seconds to open.
      const before = await startRestorableServer({
        options: { dataDir: join(cwd, '.data') },
        encryptionKeys,
      })
      const ann = await before.connect('ann')
      const results = await runBlocks([SET, BLOCKS.pglite], { cwd, env })
      expect(differences(results)).toEqual([])
      expect(results.map(({ code }) => code)).toEqual([0, 0])
      expect(readFileSync(join(cwd, 'mcp-auth.jsonl'), 'utf8')).not.toContain(CANARY)
      await before.close()
      rmSync(join(cwd, '.data'), { recursive: true })

      const dataDir = join(cwd, '.restored')
      fillWithPglite(dataDir)
      const otherKey = { MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey() }
      const [verified] = await runBlocks([command('mcp-auth db verify')], {
        cwd,
        env: { ...env, ...otherKey, DATA_DIR: dataDir },
      })
      expect([verified?.code, verified?.stdout]).toMatchObject([
        3,
        expect.stringContaining('sound records: 0'),
      ])
      const again = await startRestorableServer(
        { options: { dataDir }, encryptionKeys },
        before.port,
      )
      expectSecrets(await runBlocks([GET], { cwd, env: { ...env, DATA_DIR: dataDir } }))
      expect(await again.refresh(ann)).toBeDefined()
      expect(await again.accepts(await again.connect('bob'))).toBe(true)
    },
    RUN_MILLISECONDS,
  )
})
