import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { oidc } from '../../src/login/oidc.js'
import { createBrowser } from '../engine/support/browser.js'
import {
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  refresh,
  register,
} from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from '../login/support/openid-provider.js'
import { type FlowApp, startFlowApp } from './support/flow-app.js'

let app: FlowApp
let provider: OpenidProvider
let server: TestServer

beforeAll(async () => {
  provider = await startOpenidProvider()
  provider.claims = { email: 'ann@example.com', email_verified: true }
  app = await startFlowApp({
    allow: { emails: ['ann@example.com'] },
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
  server = { origin: app.origin, resource: app.resource } as TestServer
}, 180_000)
afterAll(async () => {
  await app?.close()
  await provider?.close()
})

describe('a sign-in at an upstream, with a restart of the server before every step', () => {
  it('comes back to the request that started it', { timeout: 120_000 }, async () => {
    const { client_id: clientId } = await register(server)
    const { verifier, challenge } = createVerifier()
    const browser = createBrowser(app.origin)
    await app.restart()
    const signIn = await browser.open(authorizeUrl(server, clientId, challenge))
    await app.restart()
    const leaving = await signIn.submit('/login/company')
    const callback = provider.authorize(new URL(leaving.location?.href ?? ''))
    await app.restart()
    const consent = await browser.open(callback.href)
    await app.restart()
    const done = await consent.submit('/consent')
    const code = done.location?.searchParams.get('code') ?? ''
    await app.restart()
    const { status, body } = await postToken(
      server,
      codeForm(clientId, { code, verifier, browser }),
    )
    expect(status).toBe(200)
    await app.restart()
    expect((await refresh(server, clientId, body.refresh_token)).status).toBe(200)

    // What the upstream answers counts once, also for another process.
    await app.restart()
    const again = await browser.open(callback.href)
    expect([again.status, again.location]).toEqual([403, undefined])
  })
})
