import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpAuth } from '@bestviable/mcp-auth-middleware'
import { dpop } from '@bestviable/mcp-auth-middleware/dpop'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import express from 'express'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser } from './support/browser.js'
import { approve, callMcp, obtainTokens, REDIRECT_URI, register } from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

const http = { [oauth.allowInsecureRequests]: true } as const
const app = express()
let listener: Server
let server: TestServer
let resource: string

beforeAll(async () => {
  listener = createServer(app)
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', () => resolve()))
  resource = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`
  server = await startServer({
    dpop: true,
    resources: { [resource]: { scopes: { 'coda.read': 'Read your docs' } } },
  })
  const validators = [server.as.validator]
  const auth = createMcpAuth({ resource, validators, dpop: dpop(), now: () => Date.now() })
  app.use('/mcp', mcpAuth(auth), (_request, response) => response.json({ ok: true }))
})
afterAll(async () => {
  await server.close()
  listener.closeAllConnections()
  listener.close()
})

describe('DPoP from the authorization server to the resource server', () => {
  it('lets oauth4webapi call the resource with its key, and nobody else', async () => {
    const issuer = new URL(server.origin)
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }),
    )
    const client: oauth.Client = { client_id: (await register(server)).client_id }
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const verifier = oauth.generateRandomCodeVerifier()
    const url = new URL(as.authorization_endpoint ?? '')
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: REDIRECT_URI,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      resource,
    }).toString()
    const done = await approve(await createBrowser(server.origin).open(url.href))
    if (done.location === undefined) throw new Error(done.html)
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(
        as,
        client,
        oauth.None(),
        oauth.validateAuthResponse(as, client, done.location, oauth.expectNoState),
        REDIRECT_URI,
        verifier,
        { DPoP, ...http },
      ),
    )
    const call = (by: oauth.DPoPHandle) =>
      oauth.protectedResourceRequest(
        tokens.access_token,
        'POST',
        new URL(resource),
        new Headers({ 'content-type': 'application/json' }),
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
        { DPoP: by, ...http },
      )
    for (let n = 0; n < 2; n += 1) expect((await call(DPoP)).status).toBe(200)

    const thief = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    await expect(call(thief)).rejects.toThrow(oauth.WWWAuthenticateChallengeError)
    expect(await callMcp({ ...server, resource }, tokens.access_token)).toBe(401)
  })

  it('lets clients without a key in as before', async () => {
    const parameters = { resource, scope: 'coda.read' }
    const { tokens } = await obtainTokens(server, { parameters })
    expect(await callMcp({ ...server, resource }, tokens.access_token)).toBe(200)
  })
})
