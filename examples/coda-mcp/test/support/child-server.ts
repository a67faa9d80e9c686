import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pgliteFlag } from '../../../../packages/store-postgres/test/support/prepared-folders.js'
import { createDataFolder } from './data-folder.js'
import { unwatched } from './unwatched.js'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** The built server as a process of its own. */
export interface ChildServer {
  readonly stdout: string
  readonly stderr: string
  kill(signal: NodeJS.Signals): void
  /** Resolves when the process has ended and its output is complete. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** Resolves when the log says that it listens; rejects when the process ends before. */
  listening(): Promise<void>
  /** Ends the process if it still runs. */
  close(): Promise<void>
}

/** Starts `dist/main.js` with these variables and no others but a `DATA_DIR` of its own. */
export function spawnServer(env: Record<string, string>): ChildServer {
  const folder = createDataFolder(env)
  const child: ChildProcess = spawn(process.execPath, [pgliteFlag, main], {
    env: { PATH: process.env.PATH, DATA_DIR: folder.path, ...unwatched, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      output[name] += chunk.toString()
      for (const look of waiting) look()
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return {
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    ended,
    kill: (signal) => void child.kill(signal),
    async listening() {
      const seen = new Promise<void>((resolve) => {
        const look = (): void => {
          if (output.stdout.includes('coda-mcp is listening')) resolve()
        }
        waiting.add(look)
        look()
      })
      const early = ended.then(() => {
        throw new Error(`the server ended: ${output.stderr}`)
      })
      await Promise.race([seen, early])
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
      await folder.close()
    },
  }
}
