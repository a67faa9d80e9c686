import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { postForm } from './oauth-client.js'

let issuer: TestIssuer
beforeEach(async () => {
  issuer = createTestIssuer({
    audience: 'https://mcp.test/mcp',
    algorithm: 'ES256',
    clients: [{ clientId: 'server', clientSecret: 'secret' }],
  })
  await issuer.listen()
})
afterEach(() => issuer.close())

describe('respond()', () => {
  it('breaks one endpoint and mends it again', async () => {
    issuer.respond('jwks', 'error-500')
    expect((await fetch(issuer.jwksUri)).status).toBe(500)
    expect((await fetch(`${issuer.url}/.well-known/openid-configuration`)).status).toBe(200)
    issuer.respond('jwks', 'ok')
    expect((await fetch(issuer.jwksUri)).status).toBe(200)
    expect(issuer.requests('jwks')).toBe(2)
  })

  it('hangs until the issuer is closed', async () => {
    issuer.respond('jwks', 'hang')
    const pending = expect(fetch(issuer.jwksUri)).rejects.toThrow()
    await expect(fetch(issuer.jwksUri, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject(
      { name: 'TimeoutError' },
    )
    await issuer.close()
    await pending
  })

  it('answers a web page with status 200', async () => {
    issuer.respond('metadata', 'html')
    const response = await fetch(`${issuer.url}/.well-known/oauth-authorization-server`)
    expect(response.status).toBe(200)
    await expect(response.json()).rejects.toThrow(SyntaxError)
  })

  it('answers nothing with status 200', async () => {
    issuer.respond('jwks', 'empty')
    const response = await fetch(issuer.jwksUri)
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  it('redirects to the right document on another host, and counts who follows', async () => {
    issuer.respond('jwks', 'redirect')
    const response = await fetch(issuer.jwksUri, { redirect: 'manual' })
    expect(response.status).toBe(307)
    expect(new URL(response.headers.get('location') ?? '').hostname).toBe('localhost')
    expect(issuer.requests('redirected')).toBe(0)
    expect(await (await fetch(issuer.jwksUri)).json()).toHaveProperty('keys')
    expect(issuer.requests('redirected')).toBe(1)
  })

  it('resets the connection', async () => {
    issuer.respond('jwks', 'reset')
    await expect(fetch(issuer.jwksUri)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
  })

  it('sends more than 64 MiB to whoever reads on, and stops for whoever does not', async () => {
    issuer.respond('jwks', 'huge')
    const { body } = await fetch(issuer.jwksUri)
    let size = 0
    for await (const chunk of body ?? []) size += chunk.byteLength
    expect(size).toBeGreaterThan(64 * 1024 * 1024)

    const aborted = await fetch(issuer.jwksUri)
    await aborted.body?.cancel()
    issuer.respond('jwks', 'ok')
    expect((await fetch(issuer.jwksUri)).status).toBe(200)
  })

  it('drips the document byte by byte', async () => {
    issuer.respond('jwks', 'drip')
    const response = await fetch(issuer.jwksUri)
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(Buffer.from(first?.value ?? []).toString()).toBe('{')
    await reader?.cancel()
  })

  it.each([
    ['introspection', '/oauth/introspect'],
    ['token', '/oauth/token'],
  ] as const)('breaks %s without judging the request', async (endpoint, path) => {
    issuer.respond(endpoint, 'error-500')
    const response = await postForm(issuer.url + path, { token: 'x' })
    expect(response.status).toBe(500)
    expect(issuer.requests(endpoint)).toBe(1)
  })
})
