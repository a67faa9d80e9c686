import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { everythingWritten } from './command-line.js'

/** The built program. */
export const PROGRAM: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Why there is no pseudo-terminal here. */
export const noTerminal: string | undefined =
  spawnSync('script', ['--version']).status === 0
    ? undefined
    : 'the program "script" of util-linux is missing'

/** A running program. */
export interface RunningProgram {
  readonly process: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves when the output, both streams together, contains a text. */
  waitFor(text: string): Promise<void>
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>
}

function follow(child: ChildProcess): RunningProgram {
  let [stdout, stderr] = ['', '']
  const changes = new Set<() => void>()
  const changed = () => {
    for (const each of changes) each()
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk
    changed()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
    changed()
  })
  // A program that ended does not read what is typed.
  child.stdin?.on('error', () => {})
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      everythingWritten.push(stdout, stderr)
      resolve(code ?? signal ?? 'unknown')
      changed()
    })
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    waitFor(text) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = (stdout + stderr).includes(text)
          if (!found && child.exitCode === null) return
          changes.delete(look)
          if (found) resolve()
          else reject(new Error(`ended without ${JSON.stringify(text)}: ${stdout}${stderr}`))
        }
        changes.add(look)
        look()
      })
    },
  }
}

function environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env
  return { PATH, HOME, TMPDIR, ...env }
}

/** Starts the built program with pipes. */
export function startProgram(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  if (!existsSync(PROGRAM)) throw new Error('build the package first: npm run build')
  return follow(spawn(process.execPath, [PROGRAM, ...argv], { env: environment(env) }))
}

/** Starts a shell command in which `$PROGRAM` runs the built program. */
export function startShell(
  command: string,
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const variables = { ...environment(env), PROGRAM, NODE: process.execPath }
  return follow(spawn('bash', ['-c', command], { env: variables }))
}

/** Starts the built program at a pseudo-terminal; what it draws is its stdout. */
export function startAtTerminal(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const command = [process.execPath, PROGRAM, ...argv].map((word) => `'${word}'`).join(' ')
  const variables = { ...environment(env), TERM: 'xterm', SHELL: '/bin/sh' }
  return follow(spawn('script', ['-qfec', command, '/dev/null'], { env: variables }))
}
