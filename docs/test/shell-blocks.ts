import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pgliteFlag } from '../../packages/store-postgres/test/support/prepared-folders.js'
import { isLongForm } from '../../test/security/support/long-form.js'
import type { Document } from './documents.js'

/** One block of shell commands in a document. */
export interface ShellBlock {
  /** File and line, for messages. */
  readonly place: string
  readonly script: string
  /** What the document says that it prints, where it says so. `…` stands for anything. */
  readonly output: string | undefined
}

/** The built command line tool. */
const PROGRAM = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))

const BLOCK = /^( *)```sh\n([\s\S]*?)^\1```$(?:\n*\1```text\n([\s\S]*?)^\1```$)?/gm

/** The shell blocks of a text, also those in lists, each with the output that follows it. */
export function shellBlocks({ path, text }: Document): ShellBlock[] {
  return [...text.matchAll(BLOCK)].map((match) => {
    const [, indent = '', script = '', output] = match
    const plain = (block: string): string => block.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    return {
      place: `${path}:${text.slice(0, match.index).split('\n').length}`,
      script: plain(script),
      output: output === undefined ? undefined : plain(output),
    }
  })
}

/** What shell blocks run with. */
export interface ShellSetting {
  readonly cwd: string
  /** Variables beside `PATH`, `HOME` and those that keep output plain. */
  readonly env: Readonly<Record<string, string>>
  /** Texts of the documents, and what stands for them here. */
  readonly replaced?: Readonly<Record<string, string>>
}

function replaceAll(text: string, replaced: Readonly<Record<string, string>>): string {
  return Object.entries(replaced).reduce((rest, [from, to]) => rest.replaceAll(from, to), text)
}

const HOST = fileURLToPath(new URL('command-host.mjs', import.meta.url))

/** The tool as a process of its own for each command, as a reader starts it. */
const OWN_PROCESS = `mcp-auth() { "$NODE" ${pgliteFlag} "$PROGRAM" "$@"; }`

/** The same program in one process for all commands: see `command-host.mjs`. */
const ONE_PROCESS = `
mcp-auth() {
  local call code
  call=$(mktemp -d "$CALLS/call-XXXXXX")
  printf '%s\\0' "$@" > "$call/argv"
  env -0 > "$call/env"
  printf %s "$PWD" > "$call/cwd"
  if [ -p /dev/stdin ] || [ -f /dev/stdin ]; then cat > "$call/in"; fi
  mkfifo "$call/done"
  echo "$call" > "$CALLS/calls"
  read -r code < "$call/done"
  cat "$call/out"
  cat "$call/err" >&2
  return "$code"
}`

// The tool under both names that the documents give it.
const PRELUDE = `
${isLongForm ? OWN_PROCESS : ONE_PROCESS}
npx() { [ "$1" = @bestviable/mcp-auth-cli ] && shift && mcp-auth "$@"; }
`
const END = '@@@ end of block'

function tidy(output: string): string {
  return output
    .replaceAll('\r', '')
    .replaceAll(/[ \t]+$/gm, '')
    .trim()
}

/** The pattern of an output in a document. A line of `…` alone stands for any lines, or none. */
function patternOf(output: string): RegExp {
  const lines = tidy(output).split('\n')
  const parts = lines.map((line, index) => {
    if (line === '…') return index === 0 ? '(?:[\\s\\S]*\\n)?' : '(?:\\n[\\s\\S]*)?'
    const escaped = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const isFirst = index === 0 || (index === 1 && lines[0] === '…')
    return `${isFirst ? '' : '\\n'}${escaped.join('.*')}`
  })
  return new RegExp(`^${parts.join('')}$`)
}

/** What one block did. */
export interface ShellResult {
  readonly block: ShellBlock
  readonly stdout: string
  /** Exit code of its last command. */
  readonly code: number
}

/** The process that all commands run in, and the folder by which it is asked. */
interface CommandHost {
  readonly process: ChildProcess
  readonly folder: string
}
let running: CommandHost | undefined

/** Starts it at the first call. It ends with this process, which holds its standard input. */
function commandHost(): CommandHost {
  if (running !== undefined) return running
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-calls-'))
  spawnSync('mkfifo', [join(folder, 'calls')])
  const child = spawn(process.execPath, [pgliteFlag, HOST, PROGRAM, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  running = { process: child, folder }
  return running
}

/** Runs blocks one after the other in one shell, so that they see each other's variables. */
export async function runBlocks(
  blocks: readonly ShellBlock[],
  setting: ShellSetting,
): Promise<readonly ShellResult[]> {
  const { cwd, env, replaced = {} } = setting
  const host = isLongForm ? undefined : commandHost()
  const script = blocks.map((block) => `${replaceAll(block.script, replaced)}\necho "${END} $?"\n`)
  const { PATH, HOME } = process.env
  const child = spawn('bash', ['-c', PRELUDE + script.join('')], {
    cwd,
    env: {
      PATH,
      HOME,
      NO_COLOR: '1',
      NODE: process.execPath,
      PROGRAM,
      CALLS: host?.folder ?? '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  // Without it the shell would wait for ever.
  const end = () => void child.kill()
  host?.process.once('exit', end)
  await once(child, 'close')
  host?.process.off('exit', end)
  const parts = stdout.split(new RegExp(`${END} (\\d+)\\n`))
  if (parts.length !== 2 * blocks.length + 1) throw new Error(`the shell ended early: ${stderr}`)
  return blocks.map((block, index) => ({
    block,
    stdout: tidy(parts[2 * index] ?? ''),
    code: Number(parts[2 * index + 1]),
  }))
}

/** What differs between the outputs of blocks and what their documents say. */
export function differences(
  results: readonly ShellResult[],
  replaced: Readonly<Record<string, string>> = {},
): string[] {
  return results.flatMap(({ block: { place, output }, stdout }) => {
    if (output === undefined) return []
    const expected = replaceAll(output, replaced)
    return patternOf(expected).test(stdout)
      ? []
      : [`${place}: expected\n${tidy(expected)}\nreceived\n${stdout}`]
  })
}
