import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createAuth } from '../src/auth.js'
import type { RunningServer } from '../src/serve.js'
import { startServer } from '../src/server.js'
import type { Settings } from '../src/settings.js'
import { callTool, statusOf, testSettings } from './support.js'
import { startTestStore } from './test-store.js'

const domain = 'login.example.com'
const projectId = 'project-test-00000000-0000-4000-8000-000000000000'
// Nobody asks it anything: it signs, and its keys stand in for those of the project.
const signer = createTestIssuer({ issuer: 'http://127.0.0.1:9', audience: projectId })
let settings: Settings
let server: RunningServer
let store: Awaited<ReturnType<typeof startTestStore>>

beforeAll(async () => {
  const realFetch = fetch
  vi.stubGlobal('fetch', async (input: string | URL | Request, init?: RequestInit) =>
    String(input) === `https://${domain}/.well-known/jwks.json`
      ? Response.json({ keys: await signer.keys.published() })
      : await realFetch(input, init),
  )
  store = await startTestStore()
  const variables = { STYTCH_DOMAIN: domain, STYTCH_PROJECT_ID: projectId }
  settings = await testSettings({ ...store.env, ...variables })
  server = await startServer(settings)
}, 120_000)
afterAll(async () => {
  await server.close()
  await store.close()
  vi.unstubAllGlobals()
})

async function headersOf(claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const usual = {
    iss: `https://${domain}`,
    sub: 'user-test-ann',
    client_id: 'app',
    scope: 'openid',
  }
  const token = await signer.token({ ...usual, ...claims }, { header: { typ: 'JWT' } })
  return { authorization: `Bearer ${token}` }
}

describe('the way in', () => {
  it('names the project to clients', async () => {
    const path = '/.well-known/oauth-protected-resource/mcp'
    const metadata = await (await fetch(settings.publicUrl + path)).json()
    expect(metadata).toMatchObject({ authorization_servers: [`https://${domain}`] })
  })

  it('lets in the holder of an access token', async () => {
    const answer = await callTool(settings.resource, 'whoami', await headersOf())
    expect(answer.structuredContent).toMatchObject({ subject: 'user-test-ann' })
  })

  it('refuses callers without a token', async () => {
    expect(await statusOf(settings.resource)).toBe(401)
  })

  it.each([
    ['a session token', { 'https://stytch.com/session': { id: 'session-test' } }],
    ['a token of another project', { aud: 'project-test-1' }],
    ['an expired token', { exp: 1 }],
  ])('refuses %s', async (_, claims) => {
    expect(await statusOf(settings.resource, await headersOf(claims))).toBe(401)
  })

  it('says what to configure', async () => {
    const nothing = await testSettings()
    expect(() => createAuth(nothing)).toThrow('missing: STYTCH_DOMAIN, STYTCH_PROJECT_ID')
  })
})
