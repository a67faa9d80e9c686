import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { ROOT } from './snippets.js'
import { typeCheck } from './type-check.js'

/** One server of the guide, before and after. */
export interface ExistingServer {
  readonly title: string
  readonly before: string
  readonly after: string
  readonly added: number
  readonly removed: number
}

const GUIDE = 'docs/guides/add-to-existing-server.md'

function sideOf(diff: string, other: '+' | '-'): string {
  const lines = diff.split('\n').filter((line) => !line.startsWith(other))
  return lines.map((line) => line.slice(1)).join('\n')
}

/** The servers of the guide, by the heading above each diff. */
export function existingServers(): ExistingServer[] {
  const text = readFileSync(join(ROOT, GUIDE), 'utf8')
  return [...text.matchAll(/^```diff\n([\s\S]*?)^```$/gm)].map(({ index, 1: diff = '' }) => {
    const headings = [...text.slice(0, index).matchAll(/^#+ (.+)$/gm)].map(
      ([, title = '']) => title,
    )
    const count = (sign: string) => diff.split('\n').filter((line) => line.startsWith(sign)).length
    return {
      title: headings.at(-1) ?? '',
      before: sideOf(diff, '+'),
      after: sideOf(diff, '-'),
      added: count('+'),
      removed: count('-'),
    }
  })
}

/**
 * Type-checks servers as their owners would. The transport of SDK v1 does not fit its own interface
 * under `exactOptionalPropertyTypes`, which few of them have set.
 */
export function typeCheckServers(folder: string, codes: readonly string[]): string {
  mkdirSync(folder, { recursive: true })
  const files = codes.map((code, index) => {
    writeFileSync(join(folder, `server-${index}.ts`), code)
    return `server-${index}.ts`
  })
  const compilerOptions = { exactOptionalPropertyTypes: false, noUnusedLocals: false }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, files }),
  )
  return typeCheck(folder)
}

/** Code of a server, and the port that it is to listen on. */
export interface ServerCode {
  readonly code: string
  readonly port: number
}

/** Servers that run, until they are closed. */
export interface RunningServers {
  /** Where each answers, in the order of their code. */
  readonly urls: readonly string[]
  close(): Promise<void>
}

/**
 * Starts sides of diffs, all in one process of their own, and waits until each answers: what they import
 * takes a second to load.
 */
export async function runServers(
  folder: string,
  servers: readonly ServerCode[],
): Promise<RunningServers> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const starts = servers.map(({ code, port }, index) => {
    const name = `server-${index}.js`
    writeFileSync(join(folder, name), transformSync(code, { loader: 'ts' }).code)
    return `process.env.PORT = '${port}'\nawait import('./${name}')\n`
  })
  writeFileSync(join(folder, 'servers.js'), starts.join(''))
  const child = spawn(process.execPath, [join(folder, 'servers.js')], {
    env: process.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const urls = servers.map(({ port }) => `http://127.0.0.1:${port}/mcp`)
  const deadline = Date.now() + 60_000
  // A connection that is kept would be closed by its server while the others start.
  const knock = (url: string) =>
    fetch(url, { headers: { connection: 'close' } }).then(
      ({ body }) => body?.cancel().then(() => true) ?? true,
      () => false,
    )
  for (const url of urls) {
    while (!(await knock(url))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill('SIGKILL')
        throw new Error(`${url} does not answer: ${errors}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return {
    urls,
    async close() {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    },
  }
}
