import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import {
  finishMigration,
  memoryTokenStore,
  migrateCredentials,
  type TokenStore,
  verifyMigration,
} from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { envTokenStore } from '@bestviable/mcp-auth-store-env'
import { infisicalTokenStore } from '@bestviable/mcp-auth-store-infisical'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import { describe, expect, it } from 'vitest'
import { PATHS } from '../../packages/authorization-server/src/engine/paths.js'
import { limitSettings } from '../../packages/authorization-server/src/limits/limit-options.js'
import { EXIT_CODES } from '../../packages/cli/src/exit-codes.js'
import { createProgram } from '../../packages/cli/src/program.js'
import {
  anchorsOf,
  type Document,
  type DocumentedCommand,
  documents,
  guides,
  namedCommands,
  relativeLinks,
  sectionOf,
  shellCommands,
  tableRows,
} from './documents.js'
import { ROOT } from './snippets.js'

function guide(name: string): Document {
  const found = guides().find(({ path }) => path === `docs/guides/${name}`)
  if (found === undefined) throw new Error(`there is no guide ${name}`)
  return found
}

/** The code that the parser of the tool answers; `undefined` for a command line that it takes. */
function refusalOf({ argv }: DocumentedCommand): string | undefined {
  const silent = { stdout: new PassThrough(), stderr: new PassThrough() }
  try {
    createProgram(silent, () => undefined).parse([...argv], { from: 'user' })
    return undefined
  } catch (error) {
    return String(error instanceof Error ? Reflect.get(error, 'code') : error)
  }
}

function refused(commands: readonly DocumentedCommand[], allowed: readonly string[]): string[] {
  return commands.flatMap((command) => {
    const code = refusalOf(command)
    if (code === undefined || allowed.includes(code)) return []
    return [`${command.place}: mcp-auth ${command.argv.join(' ')}: ${code}`]
  })
}

function outcomesBelow(heading: string): string[] {
  return tableRows(sectionOf(guide('migrate-stores.md'), heading)).map(([cell = '']) =>
    cell.replaceAll('`', ''),
  )
}

const STORES: Readonly<Record<string, () => TokenStore>> = {
  memory: () => memoryTokenStore(),
  env: () => envTokenStore({ env: {} }),
  PostgreSQL: () =>
    postgresTokenStore({
      connectionString: 'postgresql://mcp@127.0.0.1/mcp',
      encryptionKeys: generateEncryptionKey(),
    }),
  PGlite: () =>
    postgresTokenStore({ dataDir: 'memory://', encryptionKeys: generateEncryptionKey() }),
  Infisical: () =>
    infisicalTokenStore({
      projectId: 'project',
      environment: 'prod',
      auth: { method: 'access-token', token: 'canary' },
    }),
}

function abilitiesOf(store: TokenStore): Record<string, boolean> {
  const { write, compareAndSet, createOnly = compareAndSet, lease, tombstone } = store.capabilities
  const watch = store.watch !== undefined
  return { write, compareAndSet, createOnly, lease, tombstone, watch }
}

describe('commands in the documents', () => {
  it('are taken by the command line tool, with all their options, in every shell block', () => {
    const commands = documents().flatMap(shellCommands)
    expect(commands.length).toBeGreaterThan(40)
    expect(refused(commands, ['commander.helpDisplayed'])).toEqual([])
  })

  it('exist with their options where a sentence names them', () => {
    // The page of the byte layout quotes labels that begin with the name of the tool.
    const pages = documents().filter(({ path }) => path !== 'docs/reference/envelope.md')
    const commands = pages.flatMap(namedCommands)
    expect(commands.length).toBeGreaterThan(10)
    // A sentence may leave out what it is not about, or end at a group.
    const incomplete = [
      'commander.missingMandatoryOptionValue',
      'commander.missingArgument',
      'commander.optionMissingArgument',
      'commander.help',
    ]
    expect(refused(commands, incomplete)).toEqual([])
  })

  it.each([
    ['an unknown command', 'keys rotat'],
    ['an unknown option', 'keys rotate --fast'],
    ['an unknown choice', 'migrate --from env --to redis'],
    ['a missing option', 'migrate --from env'],
    ['too many arguments', 'tokens set coda secret'],
  ])('would be found with %s', (_what, line) => {
    const [command] = shellCommands({ path: 'x', text: `\`\`\`sh\nmcp-auth ${line} # c\n\`\`\`` })
    expect(command?.argv.join(' ')).toBe(line)
    expect(refusalOf({ place: 'x', argv: line.split(' ') })).toMatch(/^commander\./)
  })
})

describe('links in the documents', () => {
  it('lead to files and headings that exist', () => {
    const broken = documents().flatMap((document) =>
      relativeLinks(document)
        .filter((link) => {
          const [file = '', anchor] = link.split('#')
          const path = file === '' ? document.path : join(dirname(document.path), file)
          if (!existsSync(join(ROOT, path))) return true
          return (
            anchor !== undefined && !anchorsOf(readFileSync(join(ROOT, path), 'utf8')).has(anchor)
          )
        })
        .map((link) => `${document.path}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  it('name every guide in the README or in the architecture', () => {
    const index = documents().filter(({ path }) => ['README.md', 'ARCHITECTURE.md'].includes(path))
    const linked = new Set(index.flatMap(relativeLinks).map((link) => link.split('#')[0]))
    expect(
      guides()
        .map(({ path }) => path)
        .filter((path) => !linked.has(path)),
    ).toEqual([])
  })
})

describe('docs/guides/migrate-stores.md', () => {
  const stores = () => ({ from: memoryTokenStore(), to: memoryTokenStore() })

  it('explains every outcome of the copy, and only those that exist', async () => {
    const { counts } = await migrateCredentials(stores())
    expect(outcomesBelow('What the copy reports').sort()).toEqual(Object.keys(counts).sort())
  })

  it('explains every outcome of the comparison, and which of them need attention', async () => {
    const { counts } = await verifyMigration(stores())
    expect(outcomesBelow('What `--verify` reports').sort()).toEqual(Object.keys(counts).sort())
  })

  it('explains every outcome of the end', async () => {
    const { removal } = await finishMigration(stores())
    const outcomes = Object.keys(removal?.counts ?? {})
    expect(outcomesBelow('What `--finish` reports').sort()).toEqual(outcomes.sort())
  })

  it('names exit codes that exist', () => {
    const known = new Set<number>(Object.values(EXIT_CODES))
    const codes = tableRows(sectionOf(guide('migrate-stores.md'), 'Exit codes')).map(([code]) =>
      Number(code),
    )
    expect(codes.length).toBeGreaterThan(5)
    expect(codes.filter((code) => !known.has(code))).toEqual([])
  })
})

describe('docs/guides/token-stores.md', () => {
  it('says of every store what it can do', () => {
    const text = sectionOf(guide('token-stores.md'), 'Compared')
    const [, ...names] = (text.split('\n').find((line) => line.startsWith('| |')) ?? '')
      .slice(2, -2)
      .split('|')
      .map((cell) => cell.trim())
    expect(names).toEqual(Object.keys(STORES))
    const rows = tableRows(text).filter(([cell = '']) => cell.startsWith('`'))
    for (const [column, name] of names.entries()) {
      const written = rows.map((cells) => [
        /^`(\w+)`/.exec(cells[0] ?? '')?.[1] ?? '',
        cells[column + 1] === 'yes',
      ])
      const store = STORES[name]?.()
      expect(Object.fromEntries(written), name).toEqual(store && abilitiesOf(store))
    }
  })
})

describe('docs/guides/authorization-server.md', () => {
  it('names every limit with its default', () => {
    const units: Readonly<Record<string, number>> = { minute: 60, minutes: 60, hour: 3600 }
    const rows = tableRows(sectionOf(guide('authorization-server.md'), 'Limits'))
    const written = rows.map(([name = '', requests = '', time = '']) => {
      const [count, unit = ''] = time.split(' ')
      const limit = {
        points: Number.parseInt(requests, 10),
        durationSeconds: Number(count) * (units[unit] ?? Number.NaN),
      }
      return [name.replaceAll('`', ''), limit]
    })
    expect(Object.fromEntries(written)).toEqual(limitSettings(undefined))
  })

  it('names every path that the server answers', () => {
    const text = sectionOf(guide('authorization-server.md'), 'What clients find')
    const { par, interaction, ...others } = PATHS
    const missing = Object.values(others).filter((path) => !text.includes(`\`${path}\``))
    expect(missing).toEqual([])
    expect([par, interaction]).not.toContain(undefined)
  })
})
