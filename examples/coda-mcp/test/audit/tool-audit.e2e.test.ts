import { createAuditTrail, createDatabase } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, describe, expect, it } from 'vitest'
import { createDataFolder } from '../support/data-folder.js'
import { callTool, post } from '../support/http-calls.js'
import { signIn } from '../support/sign-in.js'
import { createCleanup, startTestServer } from '../support/test-server.js'

const { add, run } = createCleanup()
afterAll(run)

describe('the audit trail of a server with a database', () => {
  it('answers who called which tool when, and holds neither arguments nor results', async () => {
    const folder = add(createDataFolder())
    const server = await startTestServer({ DATA_DIR: folder.path })
    const since = Date.now()
    const { client, memory } = await signIn(server.resource, 'v1')
    await client.close()
    const token = memory.currentTokens()?.access_token
    const headers = { 'x-request-id': 'of-the-caller.1' }
    const params = { name: 'coda_get_document', arguments: { docId: 'canary-doc' } }
    await (await post(server.resource, 'tools/call', { token, params, headers })).text()
    await (await callTool(server.resource, token, 'coda_whoami')).text()
    await server.close()

    const database = createDatabase({ dataDir: folder.path })
    const records = await createAuditTrail(database, { namespace: 'default' }).list({
      event: 'tool.call',
    })
    await database.close()
    const actor = {
      issuer: server.url,
      subject: expect.stringMatching(/./),
      clientId: expect.stringMatching(/./),
    }
    expect(records).toMatchObject([
      {
        outcome: 'failed',
        reason: 'coda_not_found',
        provider: 'coda',
        actor,
        details: { tool: 'coda_get_document', requestId: 'of-the-caller.1' },
      },
      { outcome: 'done', actor, details: { tool: 'coda_whoami', durationMs: expect.any(Number) } },
    ])
    for (const { at } of records) {
      expect(at).toBeGreaterThanOrEqual(since)
      expect(at).toBeLessThanOrEqual(Date.now())
    }
    expect(JSON.stringify(records)).not.toMatch(/canary|SampleDoc/)
  }, 120_000)
})
