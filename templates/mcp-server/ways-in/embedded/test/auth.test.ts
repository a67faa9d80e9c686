import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Auth, startAuth } from '../src/auth.js'
import { openDatabase, type SealedDatabase } from '../src/database.js'
import { type RunningServer, serve } from '../src/serve.js'
import type { Settings } from '../src/settings.js'
import { registerWhoami } from '../src/tools/whoami.js'
import { registerApp } from './app.js'
import { mcpServerWith, statusOf, testSettings } from './support.js'

const folder = mkdtempSync(join(tmpdir(), 'sign-in-'))
let settings: Settings
let sealed: SealedDatabase
let auth: Auth
let server: RunningServer

beforeAll(async () => {
  settings = await testSettings({ DATA_DIR: folder })
  sealed = openDatabase(settings)
  auth = await startAuth(settings, sealed)
  const createMcpServer = mcpServerWith(registerWhoami)
  server = await serve(settings, { auth: auth.handlers, createMcpServer })
}, 120_000)
afterAll(async () => {
  await server.close()
  await auth.close()
  await sealed.database.close()
  rmSync(folder, { recursive: true })
})

describe('the way in', () => {
  it('leads an app that knows the URL alone to a page to sign in on', async () => {
    const { page } = await registerApp(settings)
    const sent = await fetch(page, { redirect: 'manual' })
    const cookie = sent.headers.getSetCookie().map((each) => each.split(';')[0])
    const next = new URL(sent.headers.get('location') ?? '', page)
    const answer = await fetch(next, { headers: { cookie: cookie.join('; ') } })
    expect(await answer.text()).toContain('dev@example.com')
  })

  it('refuses callers without a token and with one that it has not issued', async () => {
    expect(await statusOf(settings.resource)).toBe(401)
    expect(await statusOf(settings.resource, { authorization: 'Bearer made-up' })).toBe(401)
  })

  it('lets nobody in unseen where others can reach it', async () => {
    const open = { ...settings, publicUrl: 'https://mcp.example.com' }
    await expect(startAuth(open, sealed)).rejects.toThrow('works on a loopback issuer only')
  })

  it('takes Google with a list of who may come in, and not without one', async () => {
    const client = { GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'secret' }
    await expect(startAuth({ ...settings, env: client }, sealed)).rejects.toThrow('allow')
    const nobody = { ...client, ALLOWED_EMAILS: ' , ' }
    await expect(startAuth({ ...settings, env: nobody }, sealed)).rejects.toThrow('allow')
    const env = { ...client, ALLOWED_DOMAINS: 'example.com, example.org,', TRUST_PROXY: '1' }
    const listed = await startAuth({ ...settings, env }, sealed)
    await listed.close()
  })
})
