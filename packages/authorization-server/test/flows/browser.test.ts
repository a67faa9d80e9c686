import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasOpenssl } from '../clients/certificates.js'
import { authorizeUrl, createVerifier, postToken, register } from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'
import { findChromium, NO_CHROMIUM } from '../pages/chromium.js'
import { type BrowserStage, HOST, openBrowserStage } from './support/browser-stage.js'
import { callTool } from './support/call-tool.js'
import { startFlowApp } from './support/flow-app.js'
import { type WatchedPage, watchPage } from './support/watched-page.js'

const executablePath = findChromium()
const missing = executablePath === undefined ? NO_CHROMIUM : hasOpenssl ? undefined : 'no openssl'

const PUBLIC = `https://${HOST}`
const APP = 'https://app.client.example'
const CURSOR = 'cursor://anysphere.cursor-mcp/oauth/callback'
const PAGE_BYTES = 30_000

describe.skipIf(missing !== undefined)(
  `Chromium and a proxy that ends TLS${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  { timeout: 60_000 },
  () => {
    let stage: BrowserStage
    let watched: WatchedPage
    let page: Page
    // What the flows use of a test server: they talk to it behind the proxy.
    let server: TestServer

    beforeAll(async () => {
      stage = await openBrowserStage(executablePath ?? '')
    }, 180_000)
    afterAll(() => stage?.close())
    beforeEach(async () => {
      const { app, browser, proxy } = stage
      server = { origin: `http://127.0.0.1:${app.port}`, resource: app.resource } as TestServer
      proxy.received.length = 0
      watched = await watchPage(browser)
      page = watched.page
    })
    afterEach(() => watched.context.close())

    interface Started {
      readonly clientId: string
      readonly verifier: string
      readonly redirectUri: string
    }

    /** Opens the sign-in page of a new app. */
    async function start(redirectUri: string, origin = PUBLIC): Promise<Started> {
      const { client_id: clientId } = await register(server, {
        client_name: 'Notes app',
        redirect_uris: [redirectUri],
      })
      const { verifier, challenge } = createVerifier()
      const parameters = { redirect_uri: redirectUri, scope: 'notes.read notes.write' }
      const url = new URL(authorizeUrl(server, clientId, challenge, parameters))
      await page.goto(`${origin}${url.pathname}${url.search}`)
      return { clientId, verifier, redirectUri }
    }

    async function signIn(): Promise<void> {
      await page.getByRole('button', { name: 'Continue with Company login' }).click()
      await page.getByRole('button', { name: 'Allow' }).waitFor()
    }

    /** Exchanges the code of a redirect and uses the token. */
    async function expectTokens(
      started: Started,
      redirected?: URL,
      issuer = PUBLIC,
    ): Promise<void> {
      expect(redirected?.href.split('?')[0]).toBe(started.redirectUri)
      expect(redirected?.searchParams.get('state')).toBe('some-state')
      expect(redirected?.searchParams.get('iss')).toBe(issuer)
      const { status, body } = await postToken(server, {
        grant_type: 'authorization_code',
        client_id: started.clientId,
        code: redirected?.searchParams.get('code') ?? '',
        code_verifier: started.verifier,
        redirect_uri: started.redirectUri,
      })
      expect(status).toBe(200)
      const answer = await callTool(server.origin, body.access_token, 'write_note')
      expect(answer).toEqual({ status: 200, text: expect.stringContaining(started.clientId) })
    }

    const allow = (): Promise<void> => page.getByRole('button', { name: 'Allow' }).click()

    it('signs in, consents and returns to an https redirect, and asks nobody else', async () => {
      const started = await start(`${APP}/callback`)
      await signIn()
      await allow()
      await page.waitForURL(`${APP}/**`)
      await expectTokens(started, stage.proxy.received[0])
      expect(stage.proxy.received).toHaveLength(1)
      expect(watched.origins()).toEqual([PUBLIC, stage.provider.url, APP])
      expect(watched.complaints).toEqual([])
    })

    it('returns to a loopback redirect', async () => {
      const started = await start(`${stage.loopback.origin}/callback`)
      await signIn()
      await allow()
      await page.waitForURL(`${stage.loopback.origin}/**`)
      await expectTokens(started, new URL(page.url()))
      expect(watched.origins()).toEqual([PUBLIC, stage.provider.url, stage.loopback.origin])
      expect(watched.complaints).toEqual([])
    })

    it('returns to a cursor:// redirect and leaves a page that says so', async () => {
      const started = await start(CURSOR)
      await signIn()
      await allow()
      await page.getByRole('heading', { name: 'Notes app is connected' }).waitFor()
      await expect.poll(() => watched.appUrls.length).toBe(1)
      await expectTokens(started, watched.appUrls[0])
      expect(watched.origins()).toEqual([PUBLIC, stage.provider.url])
      // No app is installed here to take the URL, which is all that the console may be about.
      expect(watched.complaints.filter((each) => !each.includes('cursor:'))).toEqual([])
    })

    it('tells the app when somebody cancels, before or after the sign-in', async () => {
      await start(`${APP}/callback`)
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.waitForURL(`${APP}/**`)
      await start(`${APP}/callback`)
      await signIn()
      await page.getByRole('button', { name: 'Deny' }).click()
      await page.waitForURL(`${APP}/**`)
      expect(stage.proxy.received).toHaveLength(2)
      for (const { searchParams } of stage.proxy.received) {
        expect(searchParams.get('error')).toBe('access_denied')
        expect(searchParams.get('state')).toBe('some-state')
        expect(searchParams.get('iss')).toBe(PUBLIC)
        expect(searchParams.has('code')).toBe(false)
      }
      expect(watched.complaints).toEqual([])
    })

    it('A42 A40 sets cookies with prefixes only, and a policy that allows no source', async () => {
      await start(`${APP}/callback`)
      await signIn()
      const all = await watched.context.cookies()
      const cookies = all.filter(({ domain }) => domain === HOST)
      expect(cookies.length).toBeGreaterThan(2)
      for (const { name, path, secure, httpOnly, sameSite } of cookies) {
        const prefix = path === '/' ? '__Host-' : '__Secure-'
        expect([name.startsWith(prefix), secure, httpOnly, sameSite]).toEqual([
          true,
          true,
          true,
          'Lax',
        ])
      }
      const response = await page.reload()
      const policy = response?.headers()['content-security-policy'] ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("form-action 'self'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|\*|https?:|script-src/)
      expect(watched.complaints).toEqual([])
    })

    it('goes on after reload and the back button on the consent page', async () => {
      const started = await start(`${APP}/callback`)
      await signIn()
      await page.reload()
      await page.goBack()
      // The sign-in is done; its page must not start another one for the same request.
      await page.getByRole('heading', { name: 'This page has expired' }).waitFor()
      await page.goForward()
      await page.getByRole('button', { name: 'Allow' }).waitFor()
      await allow()
      await page.waitForURL(`${APP}/**`)
      await expectTokens(started, stage.proxy.received[0])

      // Back from the app: nothing is approved a second time.
      await page.goBack()
      await page.getByRole('heading', { name: 'This page has expired' }).waitFor()
      expect(stage.proxy.received).toHaveLength(1)
      expect(watched.complaints.filter((each) => !each.includes('status of 400'))).toEqual([])
    })

    it('takes a double click on the way in and on approval for one', async () => {
      const started = await start(`${APP}/callback`)
      await page.getByRole('button', { name: 'Continue with Company login' }).dblclick()
      await page.getByRole('button', { name: 'Allow' }).dblclick()
      // The second click ends the navigation of the first one, which `waitForURL` takes for a failure.
      await expect.poll(() => page.url(), { timeout: 15_000 }).toContain(`${APP}/`)
      await expectTokens(started, stage.proxy.received.at(-1))
    })

    it('works without JavaScript', async () => {
      await watched.context.close()
      watched = await watchPage(stage.browser, { javaScriptEnabled: false })
      page = watched.page
      const started = await start(`${APP}/callback`)
      await signIn()
      await allow()
      await page.waitForURL(`${APP}/**`)
      await expectTokens(started, stage.proxy.received[0])
    })

    it('signs a developer in on plain loopback, without a proxy', async () => {
      const local = await startFlowApp()
      try {
        server = { origin: local.origin, resource: local.resource } as TestServer
        const started = await start(`${stage.loopback.origin}/callback`, local.origin)
        await page.getByRole('button', { name: 'Continue as Ann' }).click()
        await allow()
        await page.waitForURL(`${stage.loopback.origin}/**`)
        await expectTokens(started, new URL(page.url()), local.origin)
        expect(watched.origins()).toEqual([local.origin, stage.loopback.origin])
        expect(watched.complaints).toEqual([])
      } finally {
        await local.close()
      }
    })

    it('sends a sign-in page of at most 30 kB that asks for nothing more', async () => {
      const sizes: Promise<number>[] = []
      const types: string[] = []
      watched.context.on('requestfinished', (request) => {
        if (request.url().startsWith('data:')) return
        types.push(request.resourceType())
        const size = request.sizes()
        sizes.push(size.then((each) => each.responseBodySize + each.responseHeadersSize))
      })
      await start(`${APP}/callback`)
      await page.waitForLoadState('networkidle')
      const total = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0)
      // The authorization request redirects to the page.
      expect(types).toEqual(['document', 'document'])
      expect(total).toBeGreaterThan(1000)
      expect(total).toBeLessThanOrEqual(PAGE_BYTES)
    })
  },
)
