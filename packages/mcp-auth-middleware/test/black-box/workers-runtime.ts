import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import type { Recording } from './scenario.js'

async function buildWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./worker.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

interface WorkersRuntime {
  readonly port: number
  command(body: object): Promise<Recording>
  dispose(): Promise<void>
}

/** One instance per test file: it takes half a second to start, and scenarios are told to it. */
let runtime: Promise<WorkersRuntime> | undefined

async function startRuntime(compatibilityFlags: readonly string[]): Promise<WorkersRuntime> {
  const miniflare = new Miniflare({
    workers: [
      {
        name: 'protected',
        modules: [{ type: 'ESModule', path: 'worker.mjs', contents: await buildWorker() }],
        compatibilityDate: '2026-03-01',
        compatibilityFlags: [...compatibilityFlags],
        // Straight to the worker: the usual entry rewrites requests on their way.
        unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      },
    ],
    // The runtime complains about requests that it refuses; that is what the tests send.
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.resume()
      stderr.resume()
    },
  })
  await miniflare.ready
  const url = await miniflare.unsafeGetDirectURL('protected')
  return {
    port: Number(url.port),
    command: async (body) => {
      const response = await fetch(new URL('/__control', url), {
        method: 'POST',
        body: JSON.stringify(body),
      })
      return (await response.json()) as Recording
    },
    dispose: () => miniflare.dispose(),
  }
}

/** The Workers runtime of this test file, with the worker in it. */
export function workersRuntime(compatibilityFlags: readonly string[]): Promise<WorkersRuntime> {
  runtime ??= startRuntime(compatibilityFlags)
  return runtime
}

/** Stops the Workers runtime of this test file. */
export async function stopWorkers(): Promise<void> {
  const running = runtime
  runtime = undefined
  await (await running)?.dispose()
}
