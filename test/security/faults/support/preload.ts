import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { expect } from 'vitest'
import type { Replica } from '../../../../examples/coda-mcp/test/support/replica.js'

/** A program of `fixtures` that is loaded before a server, and the file that tells it what to do. */
export interface Preload {
  /** Variables of the server. */
  readonly env: Record<string, string>
  tell(text: string): void
  close(): Promise<void>
}

async function createPreload(name: string, variable: string, first: string): Promise<Preload> {
  const folder = mkdtempSync(join(tmpdir(), 'preload-'))
  const program = join(folder, `${name}.mjs`)
  const told = join(folder, 'told')
  await build({
    entryPoints: [fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
  const preload: Preload = {
    env: { NODE_OPTIONS: `--import ${pathToFileURL(program).href}`, [variable]: told },
    tell(text) {
      // At once as a whole, since the server may be reading it.
      writeFileSync(`${told}.next`, text)
      renameSync(`${told}.next`, told)
    },
    close: async () => rmSync(folder, { recursive: true }),
  }
  preload.tell(first)
  return preload
}

/** Where the names of hosts lead. */
export interface Names {
  readonly preload: Preload
  /** Names an address, or `SERVFAIL`. */
  set(names: Readonly<Record<string, string>>): void
}

export async function createNames(names: Readonly<Record<string, string>>): Promise<Names> {
  const preload = await createPreload('scripted-lookup', 'TEST_LOOKUP_FILE', JSON.stringify(names))
  return { preload, set: (next) => preload.tell(JSON.stringify(next)) }
}

/** The clock of servers. */
export interface MovedClock {
  readonly preload: Preload
  /** Puts the clocks of these servers so many seconds ahead of the real one, and waits for it. */
  set(replicas: readonly Replica[], seconds: number): Promise<void>
}

export async function createMovedClock(): Promise<MovedClock> {
  const preload = await createPreload('moved-clock', 'TEST_CLOCK_FILE', '0')

  async function aheadOf({ url }: Replica): Promise<number> {
    const { timestamp } = await (await fetch(`${url}/health`)).json()
    return (Date.parse(timestamp) - Date.now()) / 1000
  }
  return {
    preload,
    async set(replicas, seconds) {
      preload.tell(String(seconds))
      for (const replica of replicas) {
        process.kill(replica.pid, 'SIGUSR2')
        await expect
          .poll(async () => Math.abs((await aheadOf(replica)) - seconds), { timeout: 20_000 })
          .toBeLessThan(4)
      }
    },
  }
}
