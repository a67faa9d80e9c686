import { readFileSync } from 'node:fs'

/** One row of an options table, without the back-ticks of Markdown. */
export interface OptionRow {
  readonly flags: string
  readonly description: string
  /** Whether it is required, its choices and its default. */
  readonly values: string
}

/** What the reference page says about one command. */
export interface CommandSection {
  readonly path: string
  readonly usage: string
  /** Its own options, and those of the groups that it names. */
  readonly options: readonly OptionRow[]
  /** Command lines of its example. */
  readonly examples: readonly string[]
  /** Its `--json` output as documented. */
  readonly output: unknown
}

const page = readFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), 'utf8')

function withoutTicks(text: string): string {
  return text.replaceAll('`', '').trim()
}

/** Sections of a page or of a section, by their heading. */
function sectionsOf(text: string, level: 2 | 3): ReadonlyMap<string, string> {
  const [, ...parts] = text.split(new RegExp(`^${'#'.repeat(level)} `, 'm'))
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n')
      return [part.slice(0, end).trim(), part.slice(end)]
    }),
  )
}

const sections = sectionsOf(page, 2)

function section(title: string): string {
  const found = sections.get(title)
  if (found === undefined) throw new Error(`the reference page has no section ${title}`)
  return found
}

/** Rows of the first table of a text, as plain text. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const [, , ...rows] = (/(?:^\|.*\|\n)+/m.exec(text)?.[0] ?? '').trim().split('\n')
  return rows.map((row) => row.split('|').slice(1, -1).map(withoutTicks))
}

function optionRows(text: string): readonly OptionRow[] {
  return rowsOf(text).map(([flags = '', description = '', values = '']) => ({
    flags,
    description,
    values,
  }))
}

function block(text: string, language: string): string {
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1] ?? ''
}

const groups = sectionsOf(section('Options of several commands'), 3)

function readCommand(path: string, text: string): CommandSection {
  const named = [...text.matchAll(/\[([a-z]+ options)\]\(#[a-z-]+\)/g)].map(([, name = '']) => name)
  const shared = named.flatMap((name) => {
    const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
    return optionRows(groups.get(title) ?? '')
  })
  const lines = block(text, 'sh').split('\n')
  const output = block(text, 'json')
  return {
    path,
    usage: block(text, 'text').trim(),
    options: [...optionRows(text), ...shared],
    examples: lines.filter((line) => line !== '' && !line.startsWith('#')),
    output: output === '' ? undefined : JSON.parse(output),
  }
}

/** Every command of the page, in its order. */
export const documentedCommands: readonly CommandSection[] = [
  ...sectionsOf(section('Commands'), 3),
].map(([title, text]) => readCommand(withoutTicks(title), text))

/** Exit codes of the page with their meanings. */
export const documentedExitCodes: ReadonlyMap<number, string> = new Map(
  rowsOf(section('Exit codes')).map(([code, , meaning = '']) => [Number(code), meaning]),
)

/** Names of the exit codes, as in the `error` member of JSON. */
export const documentedExitReasons: readonly string[] = rowsOf(section('Exit codes')).map(
  ([, reason = '']) => reason,
)

/** Rows of the variables: name, purpose, default, option. */
export const documentedVariables: readonly (readonly string[])[] = rowsOf(section('Variables'))
