import { oidc } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import {
  assertRefusesFaultyTokens,
  createTestIssuer,
} from '@bestviable/mcp-auth-middleware/testing'
import type { McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningServer, serve } from '../src/serve.js'
import type { Settings } from '../src/settings.js'
import { registerWhoami } from '../src/tools/whoami.js'
import { callTool, mcpServerWith, statusOf, testSettings } from './support.js'

// Stands in for the way in, so that the tests need nobody outside. auth.test.ts has the real one.
const issuer = createTestIssuer()
let settings: Settings
let server: RunningServer

/** Serves a tool, on a port of its own, to callers with a token of the test issuer. */
async function start(register: (server: McpServer) => void) {
  const place = await testSettings()
  const { resource } = place
  const validators = [oidc({ issuer: issuer.issuer, audience: resource })]
  const running = await serve(place, {
    auth: [mcpAuth({ resource, validators, onEvent: () => {} })],
    createMcpServer: mcpServerWith(register),
  })
  return { place, running }
}

async function headersFor(resource: string): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await issuer.token({ sub: 'ann', aud: resource })}` }
}

beforeAll(async () => {
  await issuer.listen()
  const { place, running } = await start(registerWhoami)
  settings = place
  server = running
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})

describe('the server', () => {
  it('tells callers who they are', async () => {
    const { resource } = settings
    const answer = await callTool(resource, 'whoami', await headersFor(resource))
    expect(answer.structuredContent).toEqual({ issuer: issuer.issuer, subject: 'ann' })
  })

  it('refuses callers without a token and with any faulty one', async () => {
    expect(await statusOf(settings.resource)).toBe(401)
    await assertRefusesFaultyTokens(settings.resource, issuer)
  })

  it.each(['/health', '/health/live', '/health/ready'])('answers %s to everybody', async (path) => {
    expect((await fetch(settings.publicUrl + path)).status).toBe(200)
  })

  it('opens no other path', async () => {
    expect((await fetch(`${settings.publicUrl}/health/else`)).status).toBe(401)
  })

  it('answers what was asked before it ends', async () => {
    let finish = () => {}
    let begin = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const { place, running } = await start((mcp) => {
      mcp.registerTool('slow', {}, async () => {
        begin()
        await finished
        return { content: [{ type: 'text', text: 'done' }] }
      })
    })
    const answer = callTool(place.resource, 'slow', await headersFor(place.resource))
    await begun
    const ended = running.close()
    await expect(fetch(`${place.publicUrl}/health/ready`)).rejects.toThrow('fetch failed')
    finish()
    expect((await answer).content).toEqual([{ type: 'text', text: 'done' }])
    await ended
  })
})
