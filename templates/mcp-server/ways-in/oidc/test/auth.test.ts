import {
  assertRefusesFaultyTokens,
  createTestIssuer,
} from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuth } from '../src/auth.js'
import type { RunningServer } from '../src/serve.js'
import { startServer } from '../src/server.js'
import type { Settings } from '../src/settings.js'
import { callTool, statusOf, testSettings } from './support.js'
import { startTestStore } from './test-store.js'

const issuer = createTestIssuer({ email: 'ann@example.com' })
let settings: Settings
let server: RunningServer
let store: Awaited<ReturnType<typeof startTestStore>>

beforeAll(async () => {
  await issuer.listen()
  store = await startTestStore()
  const variables = { OIDC_ISSUER: issuer.issuer, ALLOWED_DOMAINS: ' example.net, example.com,' }
  settings = await testSettings({ ...store.env, ...variables })
  server = await startServer(settings)
}, 120_000)
afterAll(async () => {
  await server.close()
  await store.close()
  await issuer.close()
})

async function headersOf(claims: Record<string, unknown>): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await issuer.token({ aud: settings.resource, ...claims })}` }
}

describe('the way in', () => {
  it('names the issuer to clients', async () => {
    const path = '/.well-known/oauth-protected-resource/mcp'
    const metadata = await (await fetch(settings.publicUrl + path)).json()
    expect(metadata).toMatchObject({
      resource: settings.resource,
      authorization_servers: [issuer.issuer],
    })
  })

  it('lets in people of the listed domains, and nobody else', async () => {
    const answer = await callTool(settings.resource, 'whoami', await headersOf({ sub: 'ann' }))
    expect(answer.structuredContent).toEqual({ issuer: issuer.issuer, subject: 'ann' })
    const stranger = await headersOf({ sub: 'bob', email: 'bob@example.org' })
    expect(await statusOf(settings.resource, stranger)).toBe(403)
    const unverified = await headersOf({ sub: 'bob', email_verified: false })
    expect(await statusOf(settings.resource, unverified)).toBe(403)
  })

  it('refuses callers without a token and with any faulty one', async () => {
    expect(await statusOf(settings.resource)).toBe(401)
    await assertRefusesFaultyTokens(settings.resource, issuer)
  })

  it('says what to configure', async () => {
    const nothing = await testSettings()
    expect(() => createAuth(nothing)).toThrow('missing: OIDC_ISSUER')
    // A list of nobody does not let everybody in.
    const nobody = await testSettings({ OIDC_ISSUER: issuer.issuer, ALLOWED_DOMAINS: ',' })
    expect(() => createAuth(nobody)).toThrow('allow')
  })
})
