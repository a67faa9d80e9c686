import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { SqlValue } from '../../../src/database/database.js'
import type { PgliteDatabaseOptions } from '../../../src/pglite/pglite-options.js'
import { pgliteFlag } from '../../support/prepared-folders.js'

/** What a child process is asked to do. */
export type ChildCommand =
  | { readonly type: 'lock'; readonly path: string }
  | { readonly type: 'release' | 'close' | 'exit' }
  | { readonly type: 'keys'; readonly dataDir: string }
  | { readonly type: 'open'; readonly options: PgliteDatabaseOptions }
  | { readonly type: 'query'; readonly text: string; readonly values: readonly SqlValue[] }
  | { readonly type: 'hold'; readonly text: string }

/** Answer of a child process. */
export interface ChildAnswer {
  readonly value?: unknown
  readonly error?: { readonly message: string; readonly code?: string }
}

/** A real process that runs the sources of this package. */
export interface Child {
  readonly pid: number
  ask(command: ChildCommand): Promise<ChildAnswer>
  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<void>
  /** Waits for the process to end by itself and resolves with its exit code. */
  exited(): Promise<number | null>
}

/** Makes child processes of one test file. */
export interface Children {
  start(): Promise<Child>
  /** Kills those that still run and removes what was built for them. */
  end(): Promise<void>
}

async function bundle(): Promise<string> {
  // Inside the package, so that the imports of dependencies resolve as they do in the tests.
  const folder = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}child-${randomBytes(6).toString('hex')}.mjs`
  await build({
    entryPoints: [fileURLToPath(new URL('./child-main.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  })
  return file
}

function connect(process: ChildProcess): Child {
  const { stdin, stdout, pid } = process
  if (stdin === null || stdout === null || pid === undefined) throw new Error('no child process')
  const waiting = new Map<number, (answer: ChildAnswer) => void>()
  const exit = once(process, 'exit')
  let lastId = 0
  stdin.on('error', () => {})
  createInterface({ input: stdout }).on('line', (line) => {
    const { id, ...answer } = JSON.parse(line)
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  return {
    pid,
    ask(command) {
      lastId += 1
      const id = lastId
      return new Promise((resolve) => {
        waiting.set(id, resolve)
        stdin.write(`${JSON.stringify({ ...command, id })}\n`)
      })
    },
    async kill() {
      process.kill('SIGKILL')
      await exit
    },
    async exited() {
      const [code] = await exit
      return code
    },
  }
}

/** Prepares for child processes. */
export function createChildren(): Children {
  const running: ChildProcess[] = []
  let building: Promise<string> | undefined
  return {
    async start() {
      building ??= bundle()
      const child = spawn(process.execPath, [pgliteFlag, await building], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      running.push(child)
      if (child.stdout !== null) await once(child.stdout, 'readable')
      return connect(child)
    },
    async end() {
      for (const child of running) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      if (building !== undefined) rmSync(await building, { force: true })
    },
  }
}
