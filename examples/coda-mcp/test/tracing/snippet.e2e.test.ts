import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnServer } from '../support/child-server.js'
import { findFreePort } from '../support/free-port.js'
import { callTool } from '../support/http-calls.js'
import { startStandIn } from '../support/stand-in.js'
import { createCleanup } from '../support/test-server.js'

const page = readFileSync(new URL('../../METRICS.md', import.meta.url), 'utf8')
const section = page.slice(page.indexOf('\n## Traces\n'), page.indexOf('\n## Alerts\n'))
const snippet = /```js\n\/\/ tracing\.mjs\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
/** Names of spans in the table, in its order. */
const documented = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name)

/**
 * The two packages that the snippet imports, on top of the SDK that is installed: spans go to the OTLP
 * endpoint, in JSON. `OTEL_MODULES` names a `node_modules` with the real ones, in which case these are
 * not used.
 */
const standIns = {
  '@opentelemetry/exporter-trace-otlp-proto': `
import { ExportResultCode } from '@opentelemetry/core'
export class OTLPTraceExporter {
  export(spans, done) {
    const body = JSON.stringify(spans.map(({ name, resource }) => ({ name, ...resource.attributes })))
    fetch(process.env.OTEL_EXPORTER_OTLP_ENDPOINT + '/v1/traces', { method: 'POST', body }).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error) => done({ code: ExportResultCode.FAILED, error }),
    )
  }
  async shutdown() {}
}`,
  '@opentelemetry/sdk-node': `
import { trace } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
export class NodeSDK {
  constructor({ serviceName, traceExporter }) {
    this.provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': serviceName }),
      spanProcessors: [new SimpleSpanProcessor(traceExporter)],
    })
  }
  start() { trace.setGlobalTracerProvider(this.provider) }
}`,
} as const

const { add, run } = createCleanup()
let folder: string
let received = ''
let endpoint: string

/** Puts the snippet where its packages are found. */
function writeSnippet(): string {
  const given = process.env.OTEL_MODULES
  const modules = join(folder, 'node_modules')
  if (given !== undefined) symlinkSync(given, modules)
  else {
    for (const [name, text] of Object.entries(standIns)) {
      mkdirSync(join(modules, name), { recursive: true })
      writeFileSync(join(modules, name, 'index.mjs'), text)
      const manifest = { name, type: 'module', exports: './index.mjs' }
      writeFileSync(join(modules, name, 'package.json'), JSON.stringify(manifest))
    }
    const installed = fileURLToPath(
      new URL('../../../../node_modules/@opentelemetry', import.meta.url),
    )
    for (const name of ['api', 'core', 'resources', 'sdk-trace-base']) {
      symlinkSync(join(installed, name), join(modules, '@opentelemetry', name))
    }
  }
  const file = join(folder, 'tracing.mjs')
  writeFileSync(file, snippet)
  return file
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tracing-'))
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      // Names are the same bytes in JSON and in the binary format.
      if (request.url === '/v1/traces') received += Buffer.concat(chunks).toString('latin1')
      response.end()
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  add({
    close: async () => {
      collector.closeAllConnections()
      await new Promise((resolve) => collector.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  })
})
afterAll(run)

describe('the snippet of METRICS.md', () => {
  it('imports what its command installs, and nothing else', () => {
    const imported = [...snippet.matchAll(/ from '([^']+)'/g)].map(([, name]) => name)
    const installed = /npm install (.+)/.exec(section)?.[1]?.split(' ')
    expect(imported.sort()).toEqual(installed?.sort())
    expect(imported).toEqual(Object.keys(standIns))
    expect(section).toContain('node --import ./tracing.mjs dist/main.js')
  })

  it.each([true, false])(
    'sends the spans of a tool call that the table names, and without it nothing is sent: %s',
    async (isLoaded) => {
      received = ''
      const bearer = await generateBearerToken()
      const coda = add(await startStandIn())
      const port = await findFreePort()
      const file = isLoaded ? writeSnippet() : undefined
      const server = add(
        spawnServer({
          PORT: String(port),
          MCP_BEARER_TOKENS: `canary-name:${bearer.digest}`,
          CODA_API_TOKEN: 'canary-coda-token',
          CODA_API_BASE_URL: coda.baseUrl,
          OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
          OTEL_BSP_SCHEDULE_DELAY: '50',
          OTEL_METRICS_EXPORTER: 'none',
          OTEL_LOGS_EXPORTER: 'none',
          ...(file === undefined ? {} : { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` }),
        }),
      )
      await server.listening()
      const answer = await callTool(`http://localhost:${port}/mcp`, bearer.token, 'coda_whoami')
      expect([answer.status, (await answer.text()).includes('isError')]).toEqual([200, false])
      if (isLoaded) {
        for (const name of documented) await expect.poll(() => received).toContain(name)
        expect(received).toContain('coda-mcp')
        expect(received).not.toContain('canary')
      }
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
      if (!isLoaded) expect(received).toBe('')
    },
    60_000,
  )
})
