import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthorizationServer } from '../../src/engine/assemble.js'
import { createAuthorizationServer } from '../../src/engine/create-authorization-server.js'
import type { ScopePolicy } from '../../src/engine/parts.js'
import { devLogin } from '../../src/login/dev-login.js'
import { type EmbeddedDatabase, openEmbeddedDatabase } from './support/embedded-database.js'
import { authorize, codeForm, obtainTokens, postToken, refresh, register } from './support/flow.js'
import type { TestServer } from './support/server.js'

let http: Server
let embedded: EmbeddedDatabase
let database: Database
let as: AuthorizationServer
// What the flows use of a test server; the storage here is a real one.
let server: TestServer
const asked: Parameters<ScopePolicy>[0][] = []

beforeAll(async () => {
  const app = express()
  http = createServer(app)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', () => resolve()))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const resource = `${origin}/mcp`
  embedded = await openEmbeddedDatabase()
  database = embedded.database
  as = await createAuthorizationServer({
    issuer: origin,
    database,
    encryptionKeys: generateEncryptionKey(),
    resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
    login: [devLogin({ users: [{ subject: 'ann', email: 'ann@example.com', name: 'Ann' }] })],
    async scopePolicy(request) {
      asked.push(request)
      const statement = { name: 'policy', text: `SELECT 'coda.read' AS scope` }
      const rows = await database.query(statement, [])
      return rows.map(({ scope }) => String(scope))
    },
  })
  app.use(as.router)
  server = { origin, resource, as } as TestServer
}, 60_000)

afterAll(async () => {
  await as?.close()
  await embedded?.end()
  http?.closeAllConnections()
  http?.close()
})

describe('a scope policy that reads the one session of the embedded database', () => {
  it('is asked at each refresh, before its transaction, and decides', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    expect(tokens.scope).toBe('coda.read')
    asked.length = 0
    const next = await refresh(server, clientId, tokens.refresh_token)
    expect([next.status, next.body.scope]).toEqual([200, 'coda.read'])
    expect(asked).toMatchObject([
      {
        user: { name: 'Ann' },
        client: { clientId, clientName: 'Test app' },
        resource: server.resource,
        requested: ['coda.read'],
      },
    ])
  })

  it('is not asked about what the engine refuses or answers again', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const { client_id: other } = await register(server, { client_name: 'Other' })
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(200)
    asked.length = 0
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(200)
    expect((await refresh(server, clientId, 'unknown')).body.error).toBe('invalid_grant')
    expect((await refresh(server, other, tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect(asked).toEqual([])
  })

  it('lets an empty resource mean that of the token, and refuses another', async () => {
    const { client_id: clientId } = await register(server)
    const { body } = await postToken(server, codeForm(clientId, await authorize(server, clientId)))
    const form = {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: String(body.refresh_token),
    }
    const wrong = await postToken(server, { ...form, resource: 'https://other.test/mcp' })
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_grant'])
    const empty = await postToken(server, { ...form, resource: '' })
    expect([empty.status, empty.body.scope]).toEqual([200, 'coda.read'])
  })
})
