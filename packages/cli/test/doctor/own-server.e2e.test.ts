import type { Express } from 'express'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  startServer,
  type TestServer,
} from '../../../authorization-server/test/engine/support/server.js'
import { createOutsideNetwork } from '../../../authorization-server/test/flows/support/outside-network.js'
import { type DoctorReport, idsWith } from '../../src/doctor/report.js'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { commandLine } from '../support/command-line.js'
import { CLIENT_DOCUMENTS } from './broken-servers/client-documents.js'
import type { JsonObject } from './broken-servers/exchange.js'
import { startSite } from './broken-servers/site.js'
import { type RunningExample, startExample } from './support/example.js'

/** The process fetches the documents of vendors by itself, where it can; below it has stand-ins. */
const NEEDS_THE_INTERNET = 'DR-16'

/** Checks with findings. */
function idsOf({ checks }: Pick<DoctorReport, 'checks'>): readonly string[] {
  return checks.filter(({ findings }) => findings.length > 0).map(({ id }) => id)
}

/** Reaches this machine, and the documents of vendors as they were published. */
async function withVendors<Value>(use: (vendors: typeof fetch) => Promise<Value>): Promise<Value> {
  const site = await startSite()
  try {
    return await use((input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      return url.protocol === 'https:' ? site.fetch(input, init) : fetch(input, init)
    })
  } finally {
    await site.close()
  }
}

/** The test server guards its endpoint alone, so that its metadata is served beside it. */
function serveMetadata(app: Express): void {
  app.use('/.well-known/oauth-protected-resource', (request, response) => {
    const origin = `http://${request.headers.host}`
    response.set('access-control-allow-origin', '*')
    response.set('access-control-allow-headers', 'mcp-protocol-version')
    response.json({
      resource: `${origin}/mcp`,
      authorization_servers: [origin],
      scopes_supported: ['coda.read', 'coda.write'],
    })
  })
}

describe('runDoctor() on our own authorization server', () => {
  async function start(documents: readonly JsonObject[]): Promise<TestServer> {
    const published = documents.map((each) => ({ ...each, client_id: String(each.client_id) }))
    const network = await createOutsideNetwork(published, 'https://chatgpt.com/oauth/jwks.json')
    const server = await startServer({ parts: network.parts, before: serveMetadata })
    onTestFinished(() => server.close())
    return server
  }

  it('passes with the documents of ChatGPT and Claude as they were published', async () => {
    const server = await start([...CLIENT_DOCUMENTS.values()])
    const report = await runDoctor({ url: server.resource, active: true })
    expect(idsOf(report)).toEqual([])
    expect(idsWith(report, 'skipped')).toEqual(['DR-15'])
  })

  it('reports DR-16 when they cannot be had', async () => {
    const server = await start([])
    const report = await runDoctor({ url: server.resource, active: true })
    expect(idsOf(report)).toEqual(['DR-16'])
  })
})

describe('mcp-auth doctor on our own example', { timeout: 60_000 }, () => {
  let example: RunningExample

  beforeAll(async () => {
    example = await startExample()
  }, 120_000)
  afterAll(() => example.close())

  it('passes everything that can be seen without signing in', async () => {
    const report = await runDoctor({ url: example.resource })
    expect(report.checks.filter(({ findings }) => findings.length > 0)).toEqual([])
    expect(report.outcome).toBe('passed')
    expect(report.issuer).toBe(example.issuer)
    expect(idsWith(report, 'skipped')).toEqual([
      'DR-12',
      'DR-13',
      'DR-14',
      'DR-15',
      'DR-16',
      'DR-19',
      'DR-21',
      'DR-22',
      'DR-25',
    ])
    expect(report.remarks.join('\n')).toContain('clients need https')
    expect(report.remarks.join('\n')).toContain('Server-side checks pass.')
  })

  it('finds the endpoint when its path was left out', async () => {
    const report = await runDoctor({ url: example.issuer })
    expect([report.outcome, report.checkedUrl]).toEqual(['passed', example.resource])
    expect(report.remarks[0]).toContain(`it is ${example.resource}`)
  })

  it('registers, signs in, passes, and leaves nothing behind', async () => {
    // The development user is known: the first sign-in of all makes a profile, which stays.
    await runDoctor({ url: example.resource, active: true, removeClients: async () => [] })
    const before = await example.rows()
    const argv = ['doctor', example.resource, '--active', '--config', '--json']
    const { stdout, stderr } = await withVendors((vendors) =>
      commandLine([...argv, '--data-dir', example.dataDir], { fetch: vendors }),
    )
    const report = JSON.parse(stdout)
    expect(idsOf(report).filter((id) => id !== NEEDS_THE_INTERNET)).toEqual([])
    expect(report.cleanup).toEqual({ registered: 5, removed: 5, left: [] })
    expect(await example.rows()).toEqual(before)
    expect(stdout + stderr).not.toMatch(/eyJ|refresh_token=|code=/)
  })

  it('says which clients are left where nothing lets it remove them', async () => {
    const report = await runDoctor({ url: example.resource, active: true })
    expect(report.cleanup).toMatchObject({ registered: 5, removed: 0 })
    expect(report.cleanup?.left).toHaveLength(5)
    expect(report.remarks.join('\n')).toContain('mcp-auth clients revoke')
    const rows = await example.rows()
    for (const id of report.cleanup?.left ?? []) expect(rows.join('\n')).toContain(id)
  })
})
