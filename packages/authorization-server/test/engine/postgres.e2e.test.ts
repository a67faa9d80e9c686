import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpAuth } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthorizationServer } from '../../src/engine/assemble.js'
import { createAuthorizationServer } from '../../src/engine/create-authorization-server.js'
import { devLogin } from '../../src/login/dev-login.js'
import { createBrowser } from './support/browser.js'
import { type EmbeddedDatabase, openEmbeddedDatabase } from './support/embedded-database.js'
import {
  authorize,
  authorizeUrl,
  callMcp,
  codeForm,
  createVerifier,
  obtainTokens,
  postToken,
  refresh,
  register,
} from './support/flow.js'
import type { TestServer } from './support/server.js'

const app = express()
let http: Server
let embedded: EmbeddedDatabase
let database: Database
/** Names of the statements that ran outside of transactions. */
const statements: string[] = []
let as: AuthorizationServer
let start: () => Promise<AuthorizationServer>
// What the flows use of a test server; the storage here is a real one.
let server: TestServer

beforeAll(async () => {
  http = createServer(app)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', () => resolve()))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const resource = `${origin}/mcp`
  embedded = await openEmbeddedDatabase()
  database = embedded.database
  const encryptionKeys = generateEncryptionKey()
  const query: Database['query'] = (statement, ...rest) => {
    statements.push(statement.name)
    return database.query(statement, ...rest)
  }
  const observed: Database = Object.create(database, { query: { value: query } })
  start = () =>
    createAuthorizationServer({
      issuer: origin,
      database: observed,
      encryptionKeys,
      resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
      login: [devLogin({ users: [{ subject: 'ann', email: 'ann@example.com', name: 'Ann' }] })],
    })
  as = await start()
  app.use((request, response, next) => as.router(request, response, next))
  app.use('/mcp', mcpAuth(createMcpAuth({ resource, validators: [as.validator] })), (_, response) =>
    response.json({ ok: true }),
  )
  server = { origin, resource, as } as TestServer
}, 60_000)

afterAll(async () => {
  await as?.close()
  await embedded?.end()
  http?.closeAllConnections()
  http?.close()
})

describe('on the real storage (PGlite)', () => {
  it('signs in, refreshes, answers repeats, and revokes', async () => {
    await as.check()
    const { clientId, tokens } = await obtainTokens(server)
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => refresh(server, clientId, tokens.refresh_token)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    const [first] = answers
    const revoked = await fetch(`${server.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: clientId,
        token: String(first?.body.access_token),
      }),
    })
    expect(revoked.status).toBe(200)
    expect(await callMcp(server, first?.body.access_token)).toBe(401)
    expect((await refresh(server, clientId, first?.body.refresh_token)).status).toBe(400)
  })

  it('introspects by one statement, and sees at once what was revoked', async () => {
    const client = await register(server, {
      client_name: 'Asking',
      token_endpoint_auth_method: 'client_secret_post',
    })
    const { client_id: id, client_secret: secret = '' } = client
    const own = { client_id: id, client_secret: secret }
    const form = codeForm(id, await authorize(server, id))
    const { body } = await postToken(server, { ...form, client_secret: secret })
    const send = async (path: string, token: unknown) => {
      const sent = new URLSearchParams({ ...own, token: String(token) })
      const response = await fetch(`${server.origin}/oauth/${path}`, { method: 'POST', body: sent })
      return path === 'introspect' ? response.json() : undefined
    }
    for (const token of [body.access_token, body.refresh_token, 'unknown', 'not.our.token']) {
      statements.length = 0
      const { active } = await send('introspect', token)
      expect(active).toBe(token === body.access_token || token === body.refresh_token)
      const ran = statements.filter((name) => !name.includes('revocations'))
      expect(ran).toEqual(['mcp_auth_as_find_tokens'])
    }
    await send('revoke', body.refresh_token)
    for (const token of [body.access_token, body.refresh_token]) {
      expect(await send('introspect', token)).toEqual({ active: false })
    }
  })

  it('E03 redeems a code once in 20 parallel requests, and E05 spares it in errors', async () => {
    const { client_id: clientId } = await register(server)
    const form = codeForm(clientId, await authorize(server, clientId))
    const wrong = await postToken(server, { ...form, resource: 'https://other.test/mcp' })
    expect(wrong.body.error).toBe('invalid_target')
    const answers = await Promise.all(Array.from({ length: 20 }, () => postToken(server, form)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('A63 goes on after a restart between any two steps', async () => {
    const restart = async () => {
      await as.close()
      as = await start()
    }
    const { client_id: clientId } = await register(server, { client_name: 'Restarted' })
    await restart()
    const { verifier, challenge } = createVerifier()
    const browser = createBrowser(server.origin)
    const signIn = await browser.open(authorizeUrl(server, clientId, challenge))
    await restart()
    const consent = await signIn.submit('/login/dev', { subject: 'ann' })
    await restart()
    const done = await consent.submit('/consent')
    await restart()
    const code = done.location?.searchParams.get('code') ?? ''
    const { body } = await postToken(server, codeForm(clientId, { code, verifier, browser }))
    await restart()
    const repeated = await refresh(server, clientId, body.refresh_token)
    await restart()
    const replayed = await refresh(server, clientId, body.refresh_token)
    expect(replayed.body.refresh_token).toBe(repeated.body.refresh_token)
    // A new process has a validator of its own; tokens are good across both.
    const verdict = await as.validator.validate(String(replayed.body.access_token), {
      resource: server.resource,
      digest: 'x',
      now: Date.now(),
    })
    expect(verdict.kind).toBe('accepted')
  })
})
