import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpAuth } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuthorizationServer } from '../../src/engine/assemble.js'
import { createAuthorizationServer } from '../../src/engine/create-authorization-server.js'
import { devLogin } from '../../src/login/dev-login.js'
import { openManagement } from '../../src/management/open-management.js'
import { type EmbeddedDatabase, openEmbeddedDatabase } from './support/embedded-database.js'
import { callMcp, obtainTokens, refresh } from './support/flow.js'
import { createMemoryStorage } from './support/memory-storage.js'
import { startServer, type TestServer } from './support/server.js'

const encryptionKeys = generateEncryptionKey()
const app = express()
let http: Server
let embedded: EmbeddedDatabase
let database: Database
let as: AuthorizationServer
let server: TestServer

beforeAll(async () => {
  http = createServer(app)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', () => resolve()))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const resource = `${origin}/mcp`
  embedded = await openEmbeddedDatabase()
  database = embedded.database
  as = await createAuthorizationServer({
    issuer: origin,
    database,
    encryptionKeys,
    resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
    login: [devLogin({ users: [{ subject: 'ann', email: 'ann@example.com', name: 'Ann' }] })],
    signingAlgorithm: 'RS256',
  })
  app.use(as.router)
  app.use('/mcp', mcpAuth(createMcpAuth({ resource, validators: [as.validator] })), (_, response) =>
    response.json({ ok: true }),
  )
  server = { origin, resource, as } as TestServer
}, 120_000)

afterAll(async () => {
  await as?.close()
  await embedded?.end()
  http?.closeAllConnections()
  http?.close()
})

const partOf = (token: unknown, index: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(token).split('.')[index] ?? '', 'base64url').toString())

describe('signingAlgorithm: RS256', () => {
  it('signs access and id tokens with the published RSA key, and its validator takes them', async () => {
    const parameters = { scope: 'openid coda.read' }
    const { clientId, tokens } = await obtainTokens(server, { parameters })
    const jwks = await (await fetch(String(as.metadata.jwks_uri))).json()
    const [key] = jwks.keys
    expect(jwks.keys).toHaveLength(1)
    expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    expect(key).toMatchObject({ alg: 'RS256', kty: 'RSA', use: 'sig' })
    expect(as.metadata.id_token_signing_alg_values_supported).toEqual(['RS256'])
    const signed = { alg: 'RS256', kid: key.kid }
    expect(partOf(tokens.access_token, 0)).toMatchObject({ ...signed, typ: 'at+jwt' })
    expect(partOf(tokens.id_token, 0)).toMatchObject(signed)
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    const next = await refresh(server, clientId, tokens.refresh_token)
    expect(partOf(next.body.access_token, 0)).toMatchObject(signed)
    expect(await callMcp(server, next.body.access_token)).toBe(200)
    // The nearest neighbour: the same claims under the modulus of the public key as a secret.
    const forged = await new SignJWT(partOf(tokens.access_token, 1))
      .setProtectedHeader({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' })
      .sign(Buffer.from(key.n, 'base64url'))
    expect(await callMcp(server, forged)).toBe(401)
  })

  it('is kept by rotations from outside of the server, which knows no algorithm', async () => {
    const management = openManagement({ database, encryptionKeys })
    const rotated = await management.signingKeys.rotate()
    expect(rotated.map(({ algorithm, state }) => [algorithm, state])).toEqual([
      ['RS256', 'active'],
      ['RS256', 'pending'],
    ])
    const replaced = await management.signingKeys.rotate({ compromised: true })
    expect(replaced.map(({ algorithm, state }) => [algorithm, state])).toEqual([
      ['RS256', 'active'],
    ])
    const again = await management.signingKeys.rotate({ compromised: true })
    expect(again.map(({ algorithm }) => algorithm)).toEqual(['RS256'])
    expect(again[0]?.kid).not.toBe(replaced[0]?.kid)
    await management.close()
  })

  it('is refused at the start over keys of the other algorithm', async () => {
    const storage = createMemoryStorage(() => Date.now())
    const before = await startServer({ storage })
    await before.close()
    const other = startServer({ storage, signingAlgorithm: 'RS256' })
    await expect(other).rejects.toThrow(/signingAlgorithm: must be "ES256", as the signing keys/)
    vi.useRealTimers()
    const same = await startServer({ storage, signingAlgorithm: 'ES256' })
    await same.close()
  })
})
