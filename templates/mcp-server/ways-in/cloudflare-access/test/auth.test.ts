import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createAuth } from '../src/auth.js'
import type { RunningServer } from '../src/serve.js'
import { startServer } from '../src/server.js'
import type { Settings } from '../src/settings.js'
import { callTool, statusOf, testSettings } from './support.js'
import { startTestStore } from './test-store.js'

const team = 'https://acme.cloudflareaccess.com'
const tag = 'a'.repeat(64)
const otherTag = 'c'.repeat(64)
// Nobody asks it anything: it signs, and its keys stand in for those of the team.
const signer = createTestIssuer({ issuer: 'http://127.0.0.1:9', audience: tag })
let settings: Settings
let server: RunningServer
let store: Awaited<ReturnType<typeof startTestStore>>

beforeAll(async () => {
  const realFetch = fetch
  vi.stubGlobal('fetch', async (input: string | URL | Request, init?: RequestInit) =>
    String(input) === `${team}/cdn-cgi/access/certs`
      ? Response.json({ keys: await signer.keys.published() })
      : await realFetch(input, init),
  )
  store = await startTestStore()
  // As people write lists: with a blank, and a comma too many.
  const variables = { CF_ACCESS_TEAM_DOMAIN: 'acme', CF_ACCESS_AUD: `${otherTag}, ${tag},` }
  settings = await testSettings({ ...store.env, ...variables })
  server = await startServer(settings)
}, 120_000)
afterAll(async () => {
  await server.close()
  await store.close()
  vi.unstubAllGlobals()
})

async function assertion(claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const person = { iss: team, type: 'app', sub: 'ann', email: 'ann@example.com' }
  const absent = { client_id: undefined, scope: undefined }
  const header = { typ: 'JWT' }
  const signed = await signer.token({ ...person, ...absent, ...claims }, { header })
  return { 'cf-access-jwt-assertion': signed }
}

describe('the way in', () => {
  it('lets in whom Access has let through', async () => {
    const answer = await callTool(settings.resource, 'whoami', await assertion())
    expect(answer.structuredContent).toEqual({ issuer: team, subject: 'ann' })
    expect(await statusOf(settings.resource, await assertion({ aud: otherTag }))).toBe(200)
  })

  it.each([
    ['of another application', { aud: 'b'.repeat(64) }],
    ['of another team', { iss: 'https://other.cloudflareaccess.com' }],
    ['of the session of the team', { type: 'org' }],
    ['that has expired', { exp: 1 }],
  ])('refuses an assertion %s', async (_, claims) => {
    expect(await statusOf(settings.resource, await assertion(claims))).toBe(401)
  })

  it('refuses whoever comes without an assertion, and believes no header that anybody can send', async () => {
    expect(await statusOf(settings.resource)).toBe(401)
    const headers = { 'cf-access-authenticated-user-email': 'ann@example.com' }
    expect(await statusOf(settings.resource, headers)).toBe(401)
  })

  it('says what to configure', async () => {
    const nothing = await testSettings()
    expect(() => createAuth(nothing)).toThrow('missing: CF_ACCESS_TEAM_DOMAIN, CF_ACCESS_AUD')
    const noTag = await testSettings({ CF_ACCESS_TEAM_DOMAIN: 'acme', CF_ACCESS_AUD: ' , ' })
    expect(() => createAuth(noTag)).toThrow('audience')
  })
})
