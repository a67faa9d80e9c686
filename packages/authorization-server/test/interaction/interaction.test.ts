import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser, type Page } from '../engine/support/browser.js'
import {
  approve,
  authorize,
  authorizeUrl,
  createVerifier,
  REDIRECT_URI,
  register,
} from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

let server: TestServer
let client: string
const { challenge } = createVerifier()

beforeAll(async () => {
  server = await startServer()
  client = (await register(server)).client_id
})
afterAll(() => server.close())

async function openSignIn(
  clientId = client,
  browser = createBrowser(server.origin),
): Promise<Page> {
  return browser.open(authorizeUrl(server, clientId, challenge))
}

function tokenOf(page: Page, action: string): string {
  const form = new RegExp(`action="[^"]*${action}"[\\s\\S]*?name="csrf_token" value="([^"]+)"`)
  return form.exec(page.html)?.[1] ?? ''
}

describe('the pages', () => {
  it('A36 shows a hostile client name as text', async () => {
    for (const name of [
      '<img src=x onerror=alert(1)>',
      '"><script>alert(1)</script>',
      "'-alert(1)-'",
    ]) {
      const { client_id: id } = await register(server, { client_name: name })
      const page = await openSignIn(id)
      expect(page.html).not.toMatch(/<script|<img src=x/)
      expect(page.headers.get('content-security-policy')).not.toMatch(/script-src|unsafe-inline/)
    }
  })

  it('A38 shows on consent who asks, where the answer goes, for what, and who is signed in', async () => {
    const consent = await (await openSignIn()).submit('/login/dev', { subject: 'ann' })
    for (const text of ['Test app', 'app.test', 'Read your docs', 'ann@example.com', '/deny']) {
      expect(consent.html).toContain(text)
    }
  })

  it('A39 removes invisible characters from the name and caps it', async () => {
    const name = `A\u202e\u200bB${'x'.repeat(300)}`
    const { client_id: id } = await register(server, {
      client_name: name.slice(0, 120),
    })
    const { html } = await openSignIn(id)
    expect(html).not.toMatch(/[\u202e\u200b]/)
    expect(html).toContain('app.test')
  })

  it('A40 A42 sends the headers of pages, and cookies that scripts and other sites cannot use', async () => {
    const browser = createBrowser(server.origin)
    const first = await browser.request(authorizeUrl(server, client, challenge))
    const lines = first.headers.getSetCookie()
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      expect(line).toMatch(/httponly/i)
      expect(line).toMatch(/samesite=lax/i)
    }
    const page = await browser.open(
      new URL(first.headers.get('location') ?? '', server.origin).href,
    )
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self'")
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    expect(page.headers.get('referrer-policy')).toBe('same-origin')
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  it('trap 13 A59 answers forms with 303 to a page of ours that goes on by itself', async () => {
    const browser = createBrowser(server.origin)
    const page = await browser.open(authorizeUrl(server, client, challenge))
    const url = `${page.url}/login/dev`
    const response = await browser.request(url, {
      method: 'POST',
      headers: { origin: server.origin, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ subject: 'ann', csrf_token: tokenOf(page, '/login/dev') }),
    })
    expect(response.status).toBe(303)
    const next = await browser.request(new URL(response.headers.get('location') ?? '', url).href)
    expect(next.status).toBe(200)
    expect(next.headers.get('refresh')).toMatch(/^0;url=/)
  })
})

describe('forms', () => {
  it('A32 approves nothing without the form of this browser', async () => {
    const browser = createBrowser(server.origin)
    const signIn = await browser.open(authorizeUrl(server, client, challenge))
    const consent = await signIn.submit('/login/dev', { subject: 'ann' })
    const url = `${consent.url}/consent`
    const headers = { origin: server.origin, 'sec-fetch-site': 'same-origin' }
    const good = tokenOf(consent, '/consent')
    const post = (token: string | undefined, more: Record<string, string> = {}) =>
      browser.request(url, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: new URLSearchParams(token === undefined ? {} : { csrf_token: token }),
      })

    expect((await browser.request(`${url}?approve=1`)).status).toBe(404)
    expect((await post(undefined)).status).toBe(403)
    expect((await post('wrong')).status).toBe(403)
    expect((await post(tokenOf(consent, '/deny'))).status).toBe(403)
    expect((await post(good, { origin: 'https://evil.test' })).status).toBe(403)
    expect((await post(good, { origin: 'null' })).status).toBe(403)
    expect((await post(good, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)

    const other = createBrowser(server.origin)
    const otherConsent = await (await other.open(authorizeUrl(server, client, challenge))).submit(
      '/login/dev',
      { subject: 'bob' },
    )
    expect((await post(tokenOf(otherConsent, '/consent'))).status).toBe(403)
    expect((await post(good)).status).toBe(303)
  })

  it('A32 shows nothing of an interaction to another browser', async () => {
    const page = await openSignIn()
    const response = await createBrowser(server.origin).request(page.url)
    expect(response.status).toBe(400)
  })

  it('takes a second submit of the same form as the first', async () => {
    const browser = createBrowser(server.origin)
    const signIn = await browser.open(authorizeUrl(server, client, challenge))
    const consent = await signIn.submit('/login/dev', { subject: 'ann' })
    const url = `${consent.url}/consent`
    const body = new URLSearchParams({ csrf_token: tokenOf(consent, '/consent') })
    const init = { method: 'POST', headers: { origin: server.origin }, body }
    const [first, second] = [await browser.request(url, init), await browser.request(url, init)]
    expect([first.status, second.status]).toEqual([303, 303])
    const grants = [...server.storage.state.rows.values()].filter(
      ({ model, payload }) => model === 'Grant' && payload.clientId === client,
    )
    const consents = server.storage.state.audit.filter(({ event }) => event === 'consent')
    expect(grants.length).toBeLessThanOrEqual(consents.length)
  })

  it('A65 ignores where a form wants to go', async () => {
    const page = await openSignIn()
    const next = await page.submit('/login/dev', {
      subject: 'ann',
      return_to: 'https://evil.test',
    })
    expect(next.url.startsWith(server.origin)).toBe(true)
  })

  it('A47 tells the client that the person said no', async () => {
    const done = await (await openSignIn()).submit('/deny')
    expect(done.location?.href.startsWith(REDIRECT_URI)).toBe(true)
    expect(done.location?.searchParams.get('error')).toBe('access_denied')
    expect(done.location?.searchParams.get('iss')).toBe(server.origin)
  })
})

describe('sessions', () => {
  it('A43 gives the session a new id at sign-in', async () => {
    const browser = createBrowser(server.origin)
    browser.cookies.set('mcp_auth_session /', { value: 'fixed-by-an-attacker', path: '/' })
    const { browser: after } = await authorize(server, client, { browser })
    const id = after.cookies.get('mcp_auth_session /')?.value
    expect(id).toBeTypeOf('string')
    expect(id).not.toBe('fixed-by-an-attacker')
    const known = [...server.storage.state.rows.values()].some(
      (row) => row.model === 'Session' && row.id === 'fixed-by-an-attacker',
    )
    expect(known).toBe(false)
  })

  it('A35 keeps the cookies of one request small after 200 abandoned requests', async () => {
    const browser = createBrowser(server.origin)
    for (let count = 0; count < 200; count += 1) {
      await browser.request(authorizeUrl(server, client, challenge))
    }
    const page = await browser.open(authorizeUrl(server, client, challenge))
    const path = new URL(page.url).pathname
    const sent = [...browser.cookies]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
    expect(sent.join('; ').length).toBeLessThan(8192)
    expect((await approve(page)).location?.searchParams.get('code')).toBeTypeOf('string')
  })

  it('A61 shows a page when the client goes, or changes its redirect URIs, before approval', async () => {
    for (const change of ['remove', 'redirect'] as const) {
      const { client_id: id } = await register(server, { client_name: `Changing ${change}` })
      const consent = await (await openSignIn(id)).submit('/login/dev', { subject: 'ann' })
      const records = server.storage.records('Client')
      const payload = await records.find(id)
      if (change === 'remove') await records.destroy(id)
      else await records.upsert(id, { ...payload, redirect_uris: ['https://app.test/new'] })
      const page = await consent.submit('/consent')
      expect([page.status, page.location]).toEqual([400, undefined])
    }
  })

  it('A63 shows a page for a request older than ten minutes', async () => {
    const page = await openSignIn()
    server.advance(601)
    const late = await page.submit('/login/dev', { subject: 'ann' })
    expect([late.status, late.location]).toEqual([400, undefined])
  })

  it('M16 asks again when the redirect URIs of an approved client have changed', async () => {
    const { client_id: id } = await register(server, { client_name: 'Approved' })
    const { browser } = await authorize(server, id)
    const again = await browser.open(authorizeUrl(server, id, challenge))
    expect(again.location?.searchParams.get('code')).toBeTypeOf('string')
    const records = server.storage.records('Client')
    const payload = await records.find(id)
    const redirects = [REDIRECT_URI, 'https://app.test/new']
    await records.upsert(id, { ...payload, redirect_uris: redirects })
    const changed = await browser.open(authorizeUrl(server, id, challenge))
    expect(changed.html).toContain('/consent')
  })
})
