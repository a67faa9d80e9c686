import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, createVerifier, register } from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

const PUBLIC = 'https://mcp.example.com'
let server: TestServer

// The server listens on loopback and is known as https elsewhere; the proxy hands on its own Host.
beforeAll(async () => {
  server = await startServer({
    issuer: PUBLIC,
    resources: { [`${PUBLIC}/mcp`]: { scopes: { read: 'Read' } } },
    login: [
      {
        kind: 'redirect',
        id: 'up',
        label: 'Up',
        start: async () => Promise.reject(new Error('down')),
        finish: async () => ({ kind: 'unavailable', reason: 'down' }),
      },
    ],
    allow: { emails: ['ann@example.com'] },
  })
})
afterAll(() => server.close())

describe('behind a proxy that ends TLS and rewrites Host', () => {
  it('A42 sets secure cookies with prefixes, and answers with its public URLs', async () => {
    const { client_id: id } = await register(server)
    const { challenge } = createVerifier()
    const url = authorizeUrl(server, id, challenge, { resource: `${PUBLIC}/mcp`, scope: 'read' })
    const first = await fetch(url, { redirect: 'manual' })
    const location = first.headers.get('location') ?? ''
    expect(new URL(location, PUBLIC).origin).toBe(PUBLIC)
    const lines = first.headers.getSetCookie()
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line).toMatch(/^__(?:Secure|Host)-.*; secure/i)

    const cookie = lines.map((line) => line.split(';')[0]).join('; ')
    const path = new URL(location, PUBLIC).pathname
    const page = await fetch(server.origin + path, { headers: { cookie } })
    expect(page.status).toBe(200)
    const browser = lines.find((line) => line.includes('mcp_auth_browser'))
    expect(browser).toMatch(/^__Host-mcp_auth_browser=.*; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    expect(await page.text()).not.toContain('127.0.0.1')
  })

  it('shows the outage page when the storage is down', async () => {
    server.storage.fail()
    const url = authorizeUrl(server, 'x', createVerifier().challenge)
    const response = await fetch(url, { redirect: 'manual' })
    server.storage.recover()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })
})
