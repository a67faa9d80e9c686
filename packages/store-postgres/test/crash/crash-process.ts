import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { CrashJob } from './crash-job.js'
import type { CrashPlan } from './crash-points.js'

/** What a process said before it ended. */
export interface CrashRun {
  /** The point at which it was killed; `undefined` when it came to its end. */
  readonly killedAt: string | undefined
  /** How often it passed each point; empty when it was killed. */
  readonly passed: ReadonlyMap<string, number>
  /** Credentials that it was told are stored. */
  readonly acknowledged: ReadonlySet<number>
}

/** The program of the jobs, bundled so that each of its many processes starts quickly. */
export interface CrashProgram {
  run(job: CrashJob, plan?: CrashPlan): Promise<CrashRun>
  remove(): void
}

function parseOutput(output: string): Omit<CrashRun, 'killedAt'> & { readonly killed?: string } {
  const lines = output.split('\n')
  const valuesOf = (word: string) =>
    lines.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length))
  const [killed] = valuesOf('killed ')
  return {
    ...(killed === undefined ? {} : { killed }),
    passed: new Map(JSON.parse(valuesOf('points ')[0] ?? '[]') as [string, number][]),
    acknowledged: new Set(valuesOf('set ').map(Number)),
  }
}

export async function buildCrashProgram(): Promise<CrashProgram> {
  // Below the package, since what is not bundled is looked up from there.
  const folder = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))
  const file = `${folder}crash-${process.pid}.mjs`
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [fileURLToPath(new URL('./crash-program.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['pg', '@electric-sql/pglite'],
    logLevel: 'error',
  })
  return {
    async run(job, plan) {
      const child = spawn(process.execPath, [file], {
        env: { PATH: process.env.PATH, CRASH_JOB: JSON.stringify({ ...job, plan }) },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
      const { killed, ...said } = parseOutput(stdout)
      // Killed by itself and by nobody else, or ended as it should.
      const isPlanned = signal === 'SIGKILL' && killed !== undefined
      if (!isPlanned && code !== 0) throw new Error(`the program ended by itself: ${stderr}`)
      return { ...said, killedAt: killed }
    },
    remove: () => rmSync(file, { force: true }),
  }
}
