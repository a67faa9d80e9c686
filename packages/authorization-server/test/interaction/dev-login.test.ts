import { request as send } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthorizationServerEvent } from '../../src/engine/events.js'
import { createBrowser, type Page } from '../engine/support/browser.js'
import { authorizeUrl, createVerifier, register } from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

let server: TestServer
let client: string
const events: AuthorizationServerEvent[] = []

beforeAll(async () => {
  server = await startServer({ onEvent: (event) => events.push(event), trustProxy: 1 })
  client = (await register(server)).client_id
})
beforeEach(() => events.splice(0))
afterAll(() => server.close())

/** Signs in as the development user, with these headers on that request. */
async function signInWith(headers: Readonly<Record<string, string>>): Promise<{
  readonly status: number
  readonly html: string
  readonly page: Page
}> {
  const browser = createBrowser(server.origin)
  const page = await browser.open(authorizeUrl(server, client, createVerifier().challenge))
  const [, action = ''] = /action="([^"]*\/login\/dev)"/.exec(page.html) ?? []
  const [, token = ''] =
    /login\/dev"[\s\S]*?name="csrf_token" value="([^"]+)"/.exec(page.html) ?? []
  const cookie = [...browser.cookies].map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
  const body = new URLSearchParams({ csrf_token: token, subject: 'ann' }).toString()
  // `fetch` sends no `Host` of the caller.
  const request = send(new URL(action, server.origin), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      cookie: cookie.join('; '),
      origin: server.origin,
      ...headers,
    },
  })
  return new Promise((resolve, reject) => {
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const html = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, html, page })
      })
    })
    request.end(body)
  })
}

describe('the development login', () => {
  it.each([
    ['nothing in between', {}],
    ['a name of this machine', { host: 'localhost:8080' }],
    ['another one', { host: 'coda.localhost' }],
    ['the other loopback', { host: '[::1]:8080' }],
    ['a header that starts alike', { 'x-forward': 'no', viable: 'yes', 'x-real': 'yes' }],
  ])('lets a request in with %s', async (_, headers) => {
    const { status } = await signInWith(headers)
    expect(status).toBe(303)
    expect(events.at(-1)).toMatchObject({ event: 'sign-in', outcome: 'done' })
  })

  // A tunnel makes a server on loopback one that everybody can reach.
  it.each([
    ['x-forwarded-for', '203.0.113.9'],
    ['x-forwarded-host', 'abc.devtunnels.test'],
    ['x-forwarded-proto', 'canary'],
    ['x-forwarded-server', 'canary'],
    ['forwarded', 'for=203.0.113.9'],
    ['via', '1.1 canary'],
    ['x-real-ip', '203.0.113.9'],
    ['x-original-host', 'abc.ngrok.test'],
    ['cf-connecting-ip', '203.0.113.9'],
    ['cf-ray', 'canary'],
    ['true-client-ip', '203.0.113.9'],
    ['fly-client-ip', '203.0.113.9'],
    ['tailscale-user-login', 'canary'],
    // Even one that says that it is this machine: who asked it is not known.
    ['X-Forwarded-For', '::1'],
    ['host', 'abc.ngrok.test'],
    ['host', 'localhost.ngrok.test'],
  ])('refuses one with %s: %s, and says why', async (name, value) => {
    const { status, html, page } = await signInWith({ [name]: value })
    expect(status).toBe(403)
    expect(html).toContain('This sign-in works on this computer only')
    expect(html).toContain('came through a proxy or a tunnel')
    // There is a way back to the app.
    expect(html).toMatch(/action="[^"]*\/deny"/)
    expect(html).not.toContain(value)
    expect(events).toMatchObject([
      { event: 'sign-in', outcome: 'denied', reason: 'not_direct', details: { provider: 'dev' } },
    ])
    expect(JSON.stringify(events)).not.toContain(value)
    // The interaction has led nowhere.
    const next = await page.submit('/login/dev', { subject: 'ann' })
    expect(next.html).toContain('/consent')
  })
})
