import { createMcpHandler } from '@modelcontextprotocol/server'
import { afterEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import { createTestIssuer } from '../../src/testing/test-issuer.js'
import { oidc } from '../../src/validators/oidc.js'
import { clientV1, clientV2, clientV2Auto, clientV2Modern, type McpClient } from './mcp-clients.js'
import { createServerV2, MCP_APPS, type McpApp, sdkV2 } from './mcp-servers.js'
import { createStage, type ProtectedServer } from './protected-server.js'

const stage = createStage()
afterEach(() => stage.stop())

async function connected(client: McpClient, { url }: ProtectedServer, token: string) {
  const session = client.open(url, { token })
  stage.later(() => session.close())
  await session.connect()
  return session
}

const TOOLS = ['delete_note', 'echo', 'whoami']

/** The clients that meet a server: all by night, and by day one each, the next one the next server. */
function clientsFor(app: McpApp, clients: readonly McpClient[]): McpClient[] {
  const place = MCP_APPS.findIndex(([, each]) => each === app)
  return clients.filter((_client, index) => isLongForm || index === place % clients.length)
}

describe.each(MCP_APPS)('a server of %s', (_, app) => {
  it.each(clientsFor(app, [clientV1, clientV2, clientV2Auto]))(
    'serves the $name that was given a token, and tells its tools who it is',
    async (client) => {
      const server = await stage.start({ app })
      const token = await server.token({ sub: 'ann', client_id: 'cli', scope: 'notes.read' })
      const session = await connected(client, server, token)
      expect((await session.tools()).sort()).toEqual(TOOLS)
      expect(await session.call('whoami')).toEqual({
        subject: 'ann',
        clientId: 'cli',
        scopes: ['notes.read'],
        tokenEnd: token.slice(-8),
      })
      expect(await session.call('echo', 'hello')).toMatchObject({ text: 'hello', subject: 'ann' })
    },
  )

  it.each(clientsFor(app, [clientV1, clientV2]))(
    'J23 refuses the $name with a token of another audience',
    async (client) => {
      const server = await stage.start({ app })
      const token = await server.token({ aud: 'https://other.test/mcp' })
      const session = client.open(server.url, { token })
      stage.later(() => session.close())
      await expect(session.connect()).rejects.toThrow()
      const outcomes = server.events.flatMap((event) =>
        event.type === 'request' ? [event.outcome] : [],
      )
      expect(new Set(outcomes)).toEqual(new Set(['invalid_token']))
    },
  )

  it('reads the body for tool scopes and leaves it to the server', async () => {
    const server = await stage.start({
      app,
      auth: { scopes: { tools: { delete_note: ['notes.write'] }, otherTools: [] } },
    })
    const reader = await connected(clientV1, server, await server.token({ scope: 'notes.read' }))
    const writer = await connected(clientV1, server, await server.token({ scope: 'notes.write' }))
    expect(await reader.call('echo', 'x'.repeat(100_000))).toMatchObject({ subject: 'test-user' })
    await expect(reader.call('delete_note')).rejects.toThrow()
    expect(await writer.call('delete_note')).toMatchObject({ scopes: ['notes.write'] })
  })
})

describe('a server of SDK v2', () => {
  it('serves a client that speaks 2026-07-28 only', async () => {
    const server = await stage.start({
      app: sdkV2,
      auth: { scopes: { tools: { delete_note: ['notes.write'] }, otherTools: [] } },
    })
    const token = await server.token({ sub: 'ann', scope: 'notes.read' })
    const session = await connected(clientV2Modern, server, token)
    expect((await session.tools()).sort()).toEqual(TOOLS)
    expect(await session.call('whoami')).toMatchObject({
      subject: 'ann',
      tokenEnd: token.slice(-8),
    })
    await expect(session.call('delete_note')).rejects.toThrow()
  })
})

describe('a web-standard host with SDK v2', () => {
  it.each([clientV1, clientV2, clientV2Modern])(
    'serves the $name by auth.fetch',
    async (client) => {
      const issuer = createTestIssuer({ audience: 'https://mcp.test/mcp', algorithm: 'ES256' })
      await issuer.listen()
      stage.later(() => issuer.close())
      const auth = createMcpAuth({
        resource: 'https://mcp.test/mcp',
        validators: [oidc({ issuer: issuer.issuer })],
        scopes: { tools: { delete_note: ['notes.write'] }, otherTools: [] },
      })
      const handler = createMcpHandler(() => createServerV2())
      const token = await issuer.token({ sub: 'ann' })
      const session = client.open('https://mcp.test/mcp', {
        token,
        fetch: (input, init) =>
          auth.fetch(new Request(input, init), (request, authInfo) =>
            handler.fetch(request, authInfo === undefined ? {} : { authInfo }),
          ),
      })
      stage.later(() => session.close())
      await session.connect()
      expect(await session.call('echo', 'hello')).toEqual({
        subject: 'ann',
        clientId: expect.any(String),
        scopes: [],
        tokenEnd: token.slice(-8),
        text: 'hello',
      })
      await expect(session.call('delete_note')).rejects.toThrow()
    },
  )
})
