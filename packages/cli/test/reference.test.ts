import { readFileSync } from 'node:fs'
import { Command as CommanderCommand, type Option } from 'commander'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../src/commands.js'
import { VARIABLES } from '../src/configuration/variables.js'
import { EXIT_CODE_MEANINGS, EXIT_CODES } from '../src/exit-codes.js'
import { createProgram } from '../src/program.js'
import { commandLine } from './support/command-line.js'
import {
  documentedCommands,
  documentedExitCodes,
  documentedExitReasons,
  documentedVariables,
  type OptionRow,
} from './support/reference-page.js'

const program = createProgram({ stdout: process.stdout, stderr: process.stderr }, () => {})

/** The parser of one command, below its group. */
function parserOf(path: string): CommanderCommand {
  let parser: CommanderCommand | undefined = program
  for (const word of path.split(' ')) {
    parser = parser?.commands.find((each) => each.name() === word)
  }
  return parser ?? new CommanderCommand()
}

function rowOf({ flags, description, mandatory, argChoices, defaultValue }: Option): OptionRow {
  const values = [
    ...(mandatory ? ['required'] : []),
    ...(argChoices === undefined ? [] : [argChoices.join(', ')]),
    // The default of a --no- option is that it is not given.
    ...(defaultValue === undefined || defaultValue === true ? [] : [`default ${defaultValue}`]),
  ]
  return { flags, description, values: values.join('; ') }
}

function byFlags(rows: readonly OptionRow[]): readonly OptionRow[] {
  return [...rows].sort((one, other) => (one.flags < other.flags ? -1 : 1))
}

/** Runs the parser alone on a command line of the documents, and tells what was wrong with it. */
function refusalOf(line: string): string | undefined {
  const words = /(?:npx @bestviable\/mcp-auth-cli|mcp-auth) ([^<>|;#)]*)/.exec(line)?.[1] ?? ''
  let chosen = 0
  const parser = createProgram({ stdout: process.stdout, stderr: process.stderr }, () => chosen++)
  try {
    parser.parse(words.trim().split(/\s+/), { from: 'user' })
  } catch (error) {
    return String(error)
  }
  return chosen === 1 ? undefined : 'it names no command'
}

describe('docs/reference/cli.md', () => {
  it('documents every command in the order of the help, and no other', () => {
    const paths = COMMANDS.map(({ definition }) => definition.path)
    expect(documentedCommands.map(({ path }) => path)).toEqual(paths)
  })

  it.each(documentedCommands)('shows how $path is used', ({ path, usage }) => {
    expect(usage).toBe(
      `mcp-auth ${path} ${parserOf(path).usage().replace('[options] [command]', '[options]')}`,
    )
  })

  it.each(documentedCommands)('documents every option of $path, and no other', (command) => {
    const options = parserOf(command.path).options.map(rowOf)
    expect(options.length).toBeGreaterThan(5)
    expect(byFlags(command.options)).toEqual(byFlags(options))
  })

  it.each(documentedCommands)('has examples of $path that the parser takes', ({ examples }) => {
    expect(examples.length).toBeGreaterThan(0)
    for (const line of examples) expect([line, refusalOf(line)]).toEqual([line, undefined])
  })

  it('lists every exit code with its meaning, and no other', () => {
    const codes = Object.entries(EXIT_CODES)
    const meanings = Object.values(EXIT_CODE_MEANINGS)
    expect(documentedExitReasons).toEqual(codes.map(([reason]) => reason))
    expect([...documentedExitCodes]).toEqual(codes.map(([, code], at) => [code, meanings[at]]))
  })

  it('lists every variable with its default and its option, and no other', () => {
    const rows = Object.entries(VARIABLES).map(([name, { purpose, fallback = '', flag = '' }]) => [
      name,
      purpose.replaceAll('`', ''),
      fallback,
      flag,
    ])
    expect(documentedVariables).toEqual(rows)
  })
})

describe('README.md', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const cells = (heading: string) =>
    [...(readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| (.*) \|$/gm)]
      .map(([, row = '']) => row.replaceAll('`', '').split(/ ?\| /))
      .slice(1)

  it('lists every command with its summary, every variable and every exit code', () => {
    expect(cells('Commands')).toEqual(
      COMMANDS.map(({ definition }) => [definition.path, definition.summary]),
    )
    expect(cells('Configuration').map(([name]) => name)).toEqual(Object.keys(VARIABLES))
    expect(cells('Exit codes')).toEqual(
      Object.values(EXIT_CODES).map((code, at) => [
        String(code),
        Object.values(EXIT_CODE_MEANINGS)[at],
      ]),
    )
  })

  it('has command lines that the parser takes', () => {
    const lines = readme.match(/^npx @bestviable\/mcp-auth-cli (?!--help).*$/gm) ?? []
    expect(lines).toHaveLength(9)
    for (const line of lines) expect([line, refusalOf(line)]).toEqual([line, undefined])
  })
})

describe('examples', () => {
  const pages = ['docs/reference/cli.md', 'docs/guides/authorization-server.md']
  const texts = pages.map((path) =>
    readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'),
  )
  const lines = [
    ...texts.flatMap((text) =>
      text.split('\n').filter((line) => /^(?:npx @bestviable\/mcp-auth-cli|mcp-auth) /.test(line)),
    ),
    ...COMMANDS.flatMap(({ definition }) => definition.examples.map(({ command }) => command)),
  ]
  const namedBy = (words: RegExp) => lines.flatMap((line) => words.exec(line)?.[1] ?? [])

  it('name clients and connections by whole ids, since a part of one names nothing', () => {
    const clients = namedBy(
      / (?:clients (?:revoke|rotate-secret)|sessions list --client) ([^\s[-]\S*)/,
    )
    expect(clients.length).toBeGreaterThan(8)
    for (const id of clients) expect(id).toMatch(/^(?:[0-9a-f]{32}|https:\/\/\S+)$/)
    const connections = namedBy(/ sessions revoke ([^\s[-]\S*)/)
    expect(connections.length).toBeGreaterThan(1)
    for (const id of connections) expect(id).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('--help', () => {
  it('lists every exit code with its meaning', async () => {
    const { stdout } = await commandLine(['--help'])
    for (const [reason, meaning] of Object.entries(EXIT_CODE_MEANINGS)) {
      const code = Reflect.get(EXIT_CODES, reason)
      expect(stdout).toMatch(new RegExp(`^ {2}${code} +${meaning.replaceAll('.', '\\.')}$`, 'm'))
    }
  })

  it.each(COMMANDS.map(({ definition }) => definition))(
    'of $path goes to stdout with its options and at least two examples',
    async ({ path, flags, examples }) => {
      const { code, stdout, stderr } = await commandLine([...path.split(' '), '--help'])
      expect([code, stderr]).toEqual([0, ''])
      for (const option of flags) expect(stdout).toContain(option.flags)
      expect(examples.length).toBeGreaterThanOrEqual(2)
      for (const { command } of examples) {
        expect(stdout).toContain(`\n  ${command}\n`)
        expect(command).toContain(`npx @bestviable/mcp-auth-cli ${path}`)
        expect([command, refusalOf(command)]).toEqual([command, undefined])
      }
    },
  )
})
