import { UnauthorizedError } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sdkVersions } from './support/mcp.js'
import { signIn } from './support/sign-in.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const { add, run } = createCleanup()
let server: TestServer

beforeAll(async () => {
  server = add(await startTestServer())
})
afterAll(run)

const share = {
  docId: 'SampleDoc1',
  access: 'readonly',
  principal: { type: 'email', email: 'ada@example.com' },
  suppressEmail: true,
}

// Clients on SDK v1 with a refresh token ask for what they have: the README says so.
describe.each(sdkVersions.slice(1))('a client of SDK %s', (version) => {
  it('gets coda.share by asking again, when a person has called for it', async () => {
    const { client, memory } = await signIn(server.resource, version)
    add(client)
    expect(memory.currentTokens()?.scope).toBe('coda.read coda.write')

    const refused = await client.call('coda_add_permission', share).catch((error) => error)
    expect(refused).toBeInstanceOf(UnauthorizedError)
    await client.finishSignIn(memory.answer())
    expect(memory.currentTokens()?.scope?.split(' ')).toContain('coda.share')

    const shared = await client.call('coda_add_permission', share)
    expect(shared.structured).toEqual({ status: 'completed' })
    // It has not lost what it had.
    expect((await client.call('coda_list_permissions', share)).isError).toBe(false)
    const pushed = await client.call('coda_publish_document', { docId: 'SampleDoc1' })
    expect(pushed.structured).toMatchObject({ status: 'queued' })
    const rows = { docId: 'SampleDoc1', tableIdOrName: 'Tasks', rows: [{ Task: 'Share it' }] }
    expect((await client.call('coda_create_rows', rows)).isError).toBe(false)
  })
})
