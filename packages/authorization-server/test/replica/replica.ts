import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { callMcp } from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'
import type { ReplicaJob } from './replica-job.js'

/** A replica that runs in a process of its own. */
export interface Replica {
  readonly origin: string
  /** For the flows: requests go to this replica, whoever's the issuer is. */
  readonly server: TestServer
  /** Status of a call of the protected route of this replica. */
  callMcp(accessToken: unknown): Promise<number>
  /** Makes the replica do something that no request of a client can. */
  act(action: string, given?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** Waits for its end, and tells at which point it killed itself. */
  ended(): Promise<string>
  stop(): Promise<void>
}

/** The program of the replicas, built once so that each of its processes starts quickly. */
export interface ReplicaProgram {
  start(job: ReplicaJob): Promise<Replica>
  remove(): void
}

/** Has loaded the program, and waits for its job. */
interface LoadedProcess {
  readonly child: ChildProcess
  readonly output: () => string
}

function follow(child: ChildProcess): { readonly text: () => string } {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  return { text: () => text }
}

function replicaOf(
  child: ChildProcess,
  { origin, resource }: Pick<TestServer, 'origin' | 'resource'>,
  output: () => string,
): Replica {
  const closed = once(child, 'close')
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const server = { origin, resource } as TestServer
  return {
    origin,
    server,
    callMcp: (accessToken) => callMcp({ ...server, resource: `${origin}/mcp` }, accessToken),
    async act(action, given = {}) {
      const response = await fetch(`${origin}/replica`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...given, action }),
      })
      if (!response.ok) throw new Error(`${action}: ${await response.text()} ${output()}`)
      return response.json()
    },
    async ended() {
      await closed
      const point = /^killed (.*)$/m.exec(output())?.[1]
      // Killed by itself and by nobody else.
      if (child.signalCode !== 'SIGKILL' || point === undefined) {
        throw new Error(`the replica ended by itself: ${output()}`)
      }
      return point
    },
    async stop() {
      if (hasEnded()) return
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** @param keepsSpare loads the process of the next start at once, for tests that start many. */
export async function buildReplicaProgram({ keepsSpare = false } = {}): Promise<ReplicaProgram> {
  // Below the package, since what is not bundled is looked up from there.
  const folder = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))
  const file = `${folder}replica-${process.pid}.mjs`
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [fileURLToPath(new URL('./replica-program.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['pg', '@electric-sql/pglite'],
    // Some of what is bundled was written for CommonJS.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
    logLevel: 'error',
  })

  function load(): LoadedProcess {
    const child = spawn(process.execPath, ['--no-warnings', file], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    return { child, output: follow(child).text }
  }

  let spare: LoadedProcess | undefined
  return {
    async start(job) {
      const { child, output } = spare ?? load()
      spare = undefined
      const started = once(child, 'message') as Promise<[TestServer]>
      const ended = once(child, 'close').then(() => undefined)
      child.send(job)
      const message = await Promise.race([started, ended])
      if (message === undefined) throw new Error(`a replica did not start: ${output()}`)
      if (keepsSpare) spare = load()
      return replicaOf(child, message[0], output)
    },
    remove() {
      spare?.child.kill('SIGKILL')
      rmSync(file, { force: true })
    },
  }
}
