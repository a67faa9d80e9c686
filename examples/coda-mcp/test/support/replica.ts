import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CredentialKey } from '@bestviable/mcp-auth-middleware'
import { build } from 'esbuild'
import { findFreePort } from './free-port.js'
import { callTool } from './http-calls.js'
import { unwatched } from './unwatched.js'

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url))
const folder = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

/** The programs in `test/fixtures` that are a server as it is deployed, with one thing more for tests. */
export type ReplicaFixture = 'replica' | 'replica-with-outside'

const programOf = (fixture: string): string => `${folder}${fixture}-${process.pid}.mjs`

/** Compiles a program of `test/fixtures`, whose packages are resolved as those of the example. */
export async function buildProgram(fixture: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const outfile = programOf(fixture)
  await build({
    entryPoints: [`${fixtures}${fixture}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  return outfile
}

/** Compiles the fixture once. */
export async function buildReplica(fixture: ReplicaFixture = 'replica'): Promise<void> {
  await buildProgram(fixture)
}

/** One process of the server. Requests are counted, so that it is stopped without one under way. */
export interface Replica {
  readonly url: string
  readonly pid: number
  readonly output: string
  call(token: string): Promise<Response>
  /** Writes through the store of the replica; no secret deletes. Rejects when it was not done. */
  write(key: CredentialKey, secret: string | undefined): Promise<void>
  /** Takes no more calls, waits for those under way, and ends the process by SIGTERM. */
  stop(): Promise<void>
  /** Sends a signal, whatever is under way, and resolves with the exit code of the process. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** Starts a replica and waits until it is ready. */
export async function startReplica(
  env: Record<string, string>,
  fixture: ReplicaFixture = 'replica',
): Promise<Replica> {
  const [port, writePort] = [await findFreePort(), await findFreePort()]
  const child: ChildProcess = spawn(process.execPath, [programOf(fixture)], {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      TEST_WRITE_PORT: String(writePort),
      DRAIN_SECONDS: '5',
      ...unwatched,
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const ended = once(child, 'close')
  const url = `http://127.0.0.1:${port}`
  const until = Date.now() + 30_000
  for (;;) {
    const ready = await fetch(`${url}/health/ready`).catch(() => undefined)
    if (ready?.status === 200) break
    if (child.exitCode !== null || Date.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`the replica did not become ready: ${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }

  let under = 0
  async function counted<Value>(run: () => Promise<Value>): Promise<Value> {
    under++
    try {
      return await run()
    } finally {
      under--
    }
  }
  async function kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    child.kill(signal)
    const [code] = await ended
    return code
  }
  return {
    url,
    pid: child.pid ?? 0,
    get output() {
      return output
    },
    call: (token) =>
      counted(async () => {
        const response = await callTool(`${url}/mcp`, token, 'coda_whoami')
        return new Response(await response.text(), response)
      }),
    write: (key, secret) =>
      counted(async () => {
        const response = await fetch(`http://127.0.0.1:${writePort}`, {
          method: 'PUT',
          body: JSON.stringify({ key, secret }),
        })
        if (response.status !== 204) throw new Error(`not written: ${await response.text()}`)
      }),
    async stop() {
      while (under > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await kill('SIGTERM')
    },
    kill,
  }
}
