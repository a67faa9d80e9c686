import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { ROOT } from './snippets.js'

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
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder])
    return ''
  } catch (error) {
    return String((error as { stdout?: Buffer }).stdout ?? error)
  }
}

/** A server that runs, until it is closed. */
export interface RunningServer {
  readonly url: string
  close(): Promise<void>
}

/** Starts one side of a diff as a process of its own, and waits until it answers. */
export async function runServer(
  folder: string,
  code: string,
  port: number,
): Promise<RunningServer> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'server.js'), transformSync(code, { loader: 'ts' }).code)
  const child = spawn(process.execPath, [join(folder, 'server.js')], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const url = `http://127.0.0.1:${port}/mcp`
  const deadline = Date.now() + 60_000
  while (!(await fetch(url).catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the server does not answer: ${errors}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url,
    async close() {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    },
  }
}
