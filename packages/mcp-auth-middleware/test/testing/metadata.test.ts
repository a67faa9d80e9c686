import { createServer, request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { authorizedCode, redeem, registered } from './oauth-client.js'

// Express 4 comes without types of its own; what is used here has the same ones in Express 5.
const express4 = createRequire(import.meta.url)('express4') as typeof express

const DOCUMENTS = ['oauth-authorization-server', 'openid-configuration']

let issuer: TestIssuer
let tenant: TestIssuer

beforeAll(async () => {
  issuer = createTestIssuer({ scopes: ['docs.read'], audience: 'https://mcp.test/mcp' })
  tenant = createTestIssuer({ issuer: 'http://127.0.0.1:0/tenant/a' })
  await Promise.all([issuer.listen(), tenant.listen()])
})
afterAll(() => Promise.all([issuer.close(), tenant.close()]))

function statusFor(host: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpRequest(issuer.url + path, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('metadata of the test issuer', () => {
  it.each(DOCUMENTS)('serves %s with what MCP clients require', async (document) => {
    const response = await fetch(`${issuer.url}/.well-known/${document}`)
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toMatchObject({
      issuer: issuer.issuer,
      authorization_endpoint: `${issuer.url}/oauth/authorize`,
      token_endpoint: `${issuer.url}/oauth/token`,
      registration_endpoint: `${issuer.url}/oauth/register`,
      jwks_uri: issuer.jwksUri,
      scopes_supported: ['docs.read'],
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic'],
      authorization_response_iss_parameter_supported: true,
    })
  })

  it('serves both documents alike', async () => {
    const [first, second] = await Promise.all(
      DOCUMENTS.map(async (each) => (await fetch(`${issuer.url}/.well-known/${each}`)).text()),
    )
    expect(first).toBe(second)
  })

  // RFC 8414 section 3.1: the path of the issuer follows the well-known part.
  it.each([
    '/.well-known/oauth-authorization-server/tenant/a',
    '/.well-known/openid-configuration/tenant/a',
    '/tenant/a/.well-known/openid-configuration',
  ])('serves the metadata of an issuer with a path at %s', async (path) => {
    const response = await fetch(tenant.url + path)
    expect(await response.json()).toMatchObject({ issuer: `${tenant.url}/tenant/a` })
  })

  it('does not serve the metadata of an issuer with a path at the root', async () => {
    const response = await fetch(`${tenant.url}/.well-known/oauth-authorization-server`)
    expect(response.status).toBe(404)
  })

  it('publishes public key members only', async () => {
    const response = await fetch(issuer.jwksUri)
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    const { keys } = (await response.json()) as { keys: Record<string, unknown>[] }
    expect(keys).toHaveLength(1)
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  it.each(['/oauth/register', '/oauth/token', '/.well-known/jwks.json'])(
    'answers the preflight of a browser client for %s',
    async (path) => {
      const response = await fetch(issuer.url + path, {
        method: 'OPTIONS',
        headers: { origin: 'http://localhost:6274', 'access-control-request-method': 'POST' },
      })
      expect(response.status).toBe(204)
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-allow-headers')).toContain('Content-Type')
    },
  )

  it('names the allowed method when another is used', async () => {
    const response = await fetch(`${issuer.url}/oauth/token`)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  it('counts requests by endpoint', async () => {
    const before = issuer.requests('jwks')
    await fetch(issuer.jwksUri)
    await fetch(issuer.jwksUri)
    expect(issuer.requests('jwks')).toBe(before + 2)
  })

  it('answers loopback host names only', async () => {
    const path = '/.well-known/jwks.json'
    expect(await statusFor('localhost:1234', path)).toBe(200)
    expect(await statusFor('issuer.example.com', path)).toBe(403)
    expect(await statusFor('localhost.example.com', path)).toBe(403)
  })
})

describe('handler of the test issuer', () => {
  async function mount(
    app: (handler: TestIssuer['handler']) => Parameters<typeof createServer>[1],
    run: (issuer: TestIssuer) => Promise<void>,
  ): Promise<void> {
    // The port must be known before the issuer is made, and the handler after it.
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const mounted = createTestIssuer({
      issuer: `http://127.0.0.1:${port}`,
      audience: 'https://mcp.test/mcp',
    })
    const listener = app(mounted.handler)
    if (listener !== undefined) server.on('request', listener)
    await run(mounted).finally(() => {
      server.close()
      server.closeAllConnections()
    })
  }

  async function completeFlow(mounted: TestIssuer): Promise<void> {
    const { client_id } = await registered(mounted)
    const response = await redeem(mounted, client_id, await authorizedCode(mounted, client_id))
    expect(response.status).toBe(200)
    expect(await (await fetch(`${mounted.url}/own`)).text()).toBe('own route')
  }

  it('works in Express 5, also behind body parsers', () =>
    mount((handler) => {
      const app = express()
      app.use(express.json(), express.urlencoded({ extended: false }), handler)
      app.get('/own', (_, response) => void response.send('own route'))
      return app
    }, completeFlow))

  it('works in Express 4, also behind the JSON parser alone', () =>
    mount((handler) => {
      const app = express4()
      app.use(express4.json(), handler)
      app.get('/own', (_, response) => void response.send('own route'))
      return app
    }, completeFlow))

  it('works in a bare server', () =>
    mount(
      (handler) => (request, response) =>
        handler(request, response, () => response.end('own route')),
      completeFlow,
    ))
})
