import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ROOT } from './snippets.js'

/** One Markdown file. */
export interface Document {
  /** Path from the root, for messages. */
  readonly path: string
  readonly text: string
}

function read(path: string): Document {
  return { path: relative(ROOT, path), text: readFileSync(path, 'utf8') }
}

function markdownIn(folder: string): string[] {
  const path = join(ROOT, folder)
  return readdirSync(path)
    .filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md')
    .map((name) => join(path, name))
}

/** The guides. */
export function guides(): Document[] {
  return markdownIn('docs/guides').map(read)
}

/** Everything that a reader gets from the repository: root, `docs/`, packages and the example. */
export function documents(): Document[] {
  const folders = [
    '',
    'docs',
    'docs/decisions',
    'docs/guides',
    'docs/reference',
    'docs/templates',
    'examples/coda-mcp',
  ]
  const packages = readdirSync(join(ROOT, 'packages'))
    .map((name) => `packages/${name}`)
    .filter((name) => statSync(join(ROOT, name)).isDirectory())
  return [...folders, ...packages].flatMap(markdownIn).map(read)
}

/** What stands between two headings of any level. */
export function sectionOf({ path, text }: Document, heading: string): string {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`${path} has no heading ${JSON.stringify(heading)}`)
  const end = lines.findIndex((line, index) => index > start && /^#+ /.test(line))
  return lines.slice(start + 1, end === -1 ? undefined : end).join('\n')
}

/** Rows of the tables in a text, cell by cell, without their header lines. */
export function tableRows(text: string): string[][] {
  const lines = text.split('\n')
  return lines
    .filter((line, index) => line.startsWith('| ') && !lines[index + 1]?.startsWith('|--'))
    .map((line) => line.slice(2, -2).split(' | '))
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
}

/** Targets of the relative links of a document. */
export function relativeLinks({ text }: Document): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** Anchors of the headings of a text, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    let free = anchor
    for (let count = 1; anchors.has(free); count++) free = `${anchor}-${count}`
    anchors.add(free)
  }
  return anchors
}

/** A command line of our tool in a document. */
export interface DocumentedCommand {
  readonly place: string
  readonly argv: readonly string[]
}

const PROGRAM = /(?:npx @bestviable\/mcp-auth-cli|mcp-auth)((?: [^\s`$()<>|;#&"\\]+)+)/

function commandsIn(place: string, text: string): DocumentedCommand[] {
  return [...text.matchAll(new RegExp(PROGRAM, 'g'))].map(([, words = '']) => ({
    place,
    argv: words.trim().split(' '),
  }))
}

/** Commands in the shell blocks of a document: whole ones, which can be run. */
export function shellCommands({ path, text }: Document): DocumentedCommand[] {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    commandsIn(path, block.replaceAll('\\\n', ' ')),
  )
}

/** Commands that a sentence names, perhaps without everything that they need. */
export function namedCommands({ path, text }: Document): DocumentedCommand[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '')
  return [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) =>
    new RegExp(`^${PROGRAM.source}`).test(code) ? commandsIn(path, code) : [],
  )
}
