import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { describe, expect, it } from 'vitest'
import { createAuth } from '../src/auth.js'
import { startServer } from '../src/server.js'
import { callTool, statusOf, testSettings } from './support.js'
import { startTestStore } from './test-store.js'

describe('the way in', () => {
  it('lets in the holder of a token, and nobody without one or with another one', async () => {
    const [{ token, digest }, other] = await Promise.all([
      generateBearerToken(),
      generateBearerToken(),
    ])
    const store = await startTestStore()
    const settings = await testSettings({ ...store.env, MCP_BEARER_TOKENS: `laptop:${digest}` })
    const server = await startServer(settings)
    const headers = { authorization: `Bearer ${token}` }
    const answer = await callTool(settings.resource, 'whoami', headers)
    expect(answer.structuredContent).toEqual({ issuer: 'local', subject: 'laptop' })
    expect(await statusOf(settings.resource)).toBe(401)
    const status = await statusOf(settings.resource, { authorization: `Bearer ${other.token}` })
    expect(status).toBe(401)
    await server.close()
    await store.close()
  }, 120_000)

  it('says what to configure', async () => {
    const settings = await testSettings()
    expect(() => createAuth(settings)).toThrow('missing: MCP_BEARER_TOKENS')
  })
})
