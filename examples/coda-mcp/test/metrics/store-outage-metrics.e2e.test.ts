import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import {
  createAuditTrail,
  createDatabase,
  postgresTokenStore,
} from '@bestviable/mcp-auth-store-postgres'
import { afterAll, describe, expect, it } from 'vitest'
import { serverEngines } from '../../../../packages/store-postgres/test/support/engines.js'
import { findFreePort } from '../support/free-port.js'
import { callTool } from '../support/http-calls.js'
import { scrape } from '../support/scrape.js'
import { startStandIn } from '../support/stand-in.js'
import { createCleanup, startTestServer } from '../support/test-server.js'

/** The query of METRICS.md that answers who called which tool when. */
function documentedQuery(): string {
  const page = readFileSync(new URL('../../METRICS.md', import.meta.url), 'utf8')
  const [, query = ''] = /```sql\n([^`]+)```/.exec(page) ?? []
  return query
}

const { add, run } = createCleanup()
const engine = serverEngines().find(({ skip }) => skip === undefined)
afterAll(run)

describe.skipIf(engine === undefined)('a server whose database goes away', () => {
  it('shows the outage, goes on calling tools, and writes the audit trail when it is back', async () => {
    if (engine === undefined) return
    const cluster = await engine.startCluster()
    add({ close: () => cluster.stop() })
    const connectionString = cluster.connectionString()
    const encryptionKeys = generateEncryptionKey()
    const store = postgresTokenStore({ connectionString, encryptionKeys })
    const key = { provider: 'coda', owner: { kind: 'service' } } as const
    await store.set(key, { kind: 'api-key', secret: 'canary-coda-service' })
    await store.close()
    const coda = add(await startStandIn())
    const bearer = await generateBearerToken()
    const ports = [await findFreePort(), await findFreePort()] as const
    const [remembers, forgets] = await Promise.all(
      ports.map(async (port) =>
        add(
          await startTestServer({
            METRICS_PORT: String(port),
            CODA_API_BASE_URL: coda.baseUrl,
            MCP_BEARER_TOKENS: `laptop:${bearer.digest}`,
            TOKEN_STORE: 'postgres',
            DATABASE_URL: connectionString,
            MCP_AUTH_ENCRYPTION_KEYS: encryptionKeys,
          }),
        ),
      ),
    )
    const whoami = async (server = remembers): Promise<number | undefined> =>
      server && (await callTool(server.resource, bearer.token, 'coda_whoami')).status
    const sample = async (name: string, labels: Record<string, string> = {}, port = ports[0]) =>
      (await scrape(port)).sample(name, labels)
    const written = () => sample('audit_entries_total', { outcome: 'written' })
    const error = { store: 'postgres', operation: 'get', reason: 'unavailable' }

    expect(await whoami()).toBe(200)
    await expect.poll(written, { timeout: 10_000 }).toBe(1)
    // What was read before the server heard of changes is read once more.
    await expect.poll(() => cluster.log(), { timeout: 20_000 }).toMatch(/LISTEN /i)
    await pause(500)
    expect(await whoami()).toBe(200)
    expect(await sample('token_store_errors_total', error, ports[1])).toBe(0)
    expect(await sample('server_degraded', { reason: 'store' }, ports[1])).toBe(0)

    await cluster.kill()
    for (let call = 0; call < 5; call += 1) expect(await whoami()).toBe(200)
    expect(await sample('audit_queue_entries')).toBeGreaterThan(0)
    expect(await whoami(forgets)).toBe(503)
    expect(await sample('token_store_errors_total', error, ports[1])).toBeGreaterThan(0)
    expect(await sample('server_degraded', { reason: 'store' }, ports[1])).toBe(1)
    expect(await sample('server_ready', {}, ports[1])).toBe(1)
    const unavailable = { outcome: 'unavailable', validator: 'local-bearer' }
    expect(await sample('mcp_requests_total', unavailable, ports[1])).toBe(1)

    await cluster.start()
    await expect.poll(() => sample('audit_queue_entries'), { timeout: 20_000 }).toBe(0)
    expect(await sample('mcp_tool_calls_total', { tool: 'coda_whoami', outcome: 'ok' })).toBe(7)
    expect([await written(), await sample('audit_entries_total', { outcome: 'dropped' })]).toEqual([
      7, 0,
    ])
    const database = createDatabase({ connectionString })
    const trail = await createAuditTrail(database).list({ event: 'tool.call' })
    const documented = await database.query({ name: 'documented', text: documentedQuery() })
    await database.close()
    expect(documented).toHaveLength(7)
    expect(documented[0]).toMatchObject({
      actor_subject: 'laptop',
      tool: 'coda_whoami',
      outcome: 'done',
      milliseconds: expect.any(Number),
    })
    expect(trail.map(({ actor }) => actor?.subject)).toEqual(
      Array.from({ length: 7 }, () => 'laptop'),
    )
    expect((await scrape(ports[0])).text).not.toContain('canary')
  }, 120_000)
})
