import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningServer } from '../src/serve.js'
import { startServer } from '../src/server.js'
import type { Settings } from '../src/settings.js'
import { registerApp, signIn } from './app.js'
import { callTool, statusOf, testSettings } from './support.js'
import { startTestStore } from './test-store.js'

const folder = mkdtempSync(join(tmpdir(), 'server-'))
let settings: Settings
let server: RunningServer
let store: Awaited<ReturnType<typeof startTestStore>>

beforeAll(async () => {
  store = await startTestStore()
  settings = await testSettings({ DATA_DIR: folder, ...store.env })
  server = await startServer(settings)
}, 120_000)
afterAll(async () => {
  await server.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

describe('the whole server', () => {
  it('lets in an app that somebody has signed in with, and nobody else', async () => {
    expect(await statusOf(settings.resource)).toBe(401)
    const app = await registerApp(settings)
    const back = await signIn(app.page)
    const { access_token: token } = await app.redeem(back.searchParams.get('code') ?? '')
    const headers = { authorization: `Bearer ${token}` }
    expect(await statusOf(settings.resource, headers)).toBe(200)
    const answer = await callTool(settings.resource, 'whoami', headers)
    expect(answer.structuredContent).toMatchObject({ issuer: settings.publicUrl })
    expect(await statusOf(settings.resource, { authorization: `Bearer ${token}x` })).toBe(401)
  })
})
