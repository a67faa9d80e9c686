import { type Browser, chromium } from 'playwright-core'
import { oidc } from '../../../src/login/oidc.js'
import { createCertificates } from '../../clients/certificates.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from '../../login/support/openid-provider.js'
import { type PageServer, servePages } from '../../pages/chromium.js'
import { type FlowApp, startFlowApp } from './flow-app.js'
import { startTlsProxy, type TlsProxy } from './tls-proxy.js'

/** Host of the server, as browsers know it. */
export const HOST = 'notes.client.example'

/** A server behind a proxy, an upstream, the apps that it redirects to, and a browser. */
export interface BrowserStage {
  readonly browser: Browser
  readonly app: FlowApp
  readonly proxy: TlsProxy
  readonly provider: OpenidProvider
  /** An app on this computer. */
  readonly loopback: PageServer
  close(): Promise<void>
}

/** Sends the browser back at once, as a provider does where somebody is signed in. */
function playProvider(provider: OpenidProvider): void {
  provider.claims = { email: 'ann@example.com', email_verified: true, name: 'Ann' }
  provider.faults = {
    http: {
      authorize: (response) => {
        const asked = new URL(response.req.url ?? '/', provider.url)
        response.writeHead(302, { location: provider.authorize(asked).href }).end()
      },
    },
  }
}

/** Starts everything. The browser resolves the hosts under `client.example` to the proxy. */
export async function openBrowserStage(executablePath: string): Promise<BrowserStage> {
  const provider = await startOpenidProvider()
  playProvider(provider)
  const app = await startFlowApp({
    issuer: `https://${HOST}`,
    allow: { emails: ['ann@example.com'] },
    trustProxy: 1,
    login: () => [
      oidc({
        id: 'company',
        label: 'Company login',
        issuer: provider.issuer,
        clientId: CLIENT_ID,
        clientSecret: CLIENT_SECRET,
      }),
    ],
  })
  const certificate = createCertificates().good
  const proxy = await startTlsProxy({ certificate, host: HOST, target: () => app.port })
  const headers = { 'content-type': 'text/plain' }
  const loopback = await servePages(() => ({ body: 'received', headers }))
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--host-resolver-rules=MAP *.client.example:443 127.0.0.1:${proxy.port}`,
    ],
  })
  return {
    browser,
    app,
    proxy,
    provider,
    loopback,
    async close() {
      await browser.close()
      for (const each of [proxy, app, provider, loopback]) await each.close()
    },
  }
}
