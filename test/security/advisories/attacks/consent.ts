import { expect } from 'vitest'
import type { RedirectLogin } from '../../../../packages/authorization-server/src/login/login-provider.js'
import { createBrowser } from '../../../../packages/authorization-server/test/engine/support/browser.js'
import {
  approve,
  authorizeUrl,
  register,
} from '../../../../packages/authorization-server/test/engine/support/flow.js'
import type { TestServer } from '../../../../packages/authorization-server/test/engine/support/server.js'
import { challenge, tryToRegister, withServer } from '../authorization-server.js'

/** An upstream that approves everything at once, as one does that was approved before. */
function upstream(id: string, email = 'ann@example.com'): RedirectLogin {
  return {
    kind: 'redirect',
    id,
    label: `Upstream ${id}`,
    async start(redirectUri) {
      const state = `${id}-${Math.random().toString(36).slice(2)}`
      const url = new URL('https://login.test/authorize')
      url.search = new URLSearchParams({ state, redirect_uri: redirectUri }).toString()
      return { url, state: { provider: id, state, nonce: 'n', codeVerifier: 'v' } }
    },
    async finish() {
      const issuer = `https://${id}.test`
      return {
        kind: 'identity',
        identity: { provider: id, issuer, subject: 'sub-ann', email, name: 'Ann' },
      }
    },
  }
}

const federated = {
  login: [upstream('one'), upstream('two')],
  allow: { emails: ['ann@example.com'] },
}

/** Goes as far as the upstream, and returns where that would send the browser. */
async function signInAt(server: TestServer, id: string, browser = createBrowser(server.origin)) {
  const { client_id: clientId } = await register(server)
  const page = await browser.open(authorizeUrl(server, clientId, challenge))
  const leaving = await page.submit(`/login/${id}`)
  const state = leaving.location?.searchParams.get('state') ?? ''
  return { browser, page, callback: `/oauth/callback?code=c&state=${state}` }
}

/** Attacks on the sign-in and on what a person agrees to. */
export const CONSENT_ATTACKS = {
  'GHSA-c2jp-c369-7pvx': () =>
    withServer(async (server) => {
      const { page, browser, callback } = await signInAt(server, 'one')
      // Before the upstream a page names the client and where it sends the answer; consent comes after.
      expect(page.html).toContain('app.test')
      const consent = await browser.open(callback)
      expect([consent.status, consent.location]).toEqual([200, undefined])
      expect(consent.html).toContain('/consent')
    }, federated),

  'CVE-2026-27124': () =>
    withServer(async (server) => {
      const { callback } = await signInAt(server, 'one')
      const victim = createBrowser(server.origin)
      const answer = await victim.request(callback)
      expect([answer.status, answer.headers.get('location')]).toEqual([403, null])
    }, federated),

  'GHSA-x445-f3h2-j279': () =>
    withServer(async (server) => {
      const browser = createBrowser(server.origin)
      const one = await signInAt(server, 'one', browser)
      // Somebody starts at the other provider in another browser and plants its answer here.
      const planted = await signInAt(server, 'two')
      expect((await browser.request(planted.callback)).status).toBe(403)
      expect((await browser.open(one.callback)).html).toContain('/consent')
      const users = [...server.storage.state.users.values()]
      expect(users.map(({ providerIssuer }) => providerIssuer)).toEqual(['https://one.test'])
    }, federated),

  'GHSA-g38m-r43w-p2q7': () =>
    withServer(async (server) => {
      for (const id of ['one', 'two']) {
        const { browser, callback } = await signInAt(server, id)
        await (await browser.open(callback)).submit('/consent')
      }
      const users = [...server.storage.state.users.values()]
      expect(new Set(users.map(({ userId }) => userId)).size).toBe(2)
      expect(new Set(users.map(({ providerIssuer }) => providerIssuer)).size).toBe(2)
    }, federated),

  'GHSA-6x8h-498w-gv8c': () =>
    withServer(
      async (server) => {
        const { client_id: id } = await register(server)
        const browser = createBrowser(server.origin)
        const url = authorizeUrl(server, id, challenge)
        expect((await approve(await browser.open(url))).location).toBeDefined()
        // The same request a second time, as another server would send the browser here.
        const again = await browser.open(url)
        expect([again.status, again.location]).toEqual([200, undefined])
        expect(again.html).toContain('/consent')
        const done = await again.submit('/consent')
        expect(done.location?.searchParams.getAll('iss')).toEqual([server.origin])
      },
      { consent: 'always' },
    ),

  'CVE-2026-41427': () =>
    withServer(async (server) => {
      const chosen = {
        client_id: 'admin',
        client_secret: 'chosen',
        skip_consent: true,
        trusted: true,
        first_party: true,
        require_pkce: false,
        role: 'admin',
      }
      const { status, body } = await tryToRegister(server, {
        redirect_uris: ['https://app.test/callback'],
        token_endpoint_auth_method: 'none',
        ...chosen,
      })
      expect(status).toBe(201)
      for (const [name, value] of Object.entries(chosen)) expect(body[name]).not.toBe(value)
      const stored = JSON.stringify([...server.storage.state.rows.values()])
      expect(stored).not.toMatch(/skip_consent|first_party|require_pkce|"trusted"|"role"/)
    }),
}
