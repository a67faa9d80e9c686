import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { memoryTokenStore, oidc } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openGithub } from '../src/github.js'
import { type RunningServer, serve } from '../src/serve.js'
import { registerGithubAccount } from '../src/tools/github-account.js'
import { callTool, mcpServerWith, testSettings } from './support.js'

const key = { provider: 'github', owner: { kind: 'service' } } as const
const issuer = createTestIssuer()
const store = memoryTokenStore()
const seen: (string | undefined)[] = []
const github = createServer(({ url, headers }, response) => {
  seen.push(headers.authorization)
  const isKnown = url === '/user' && headers.authorization === 'Bearer github-token'
  response.writeHead(isKnown ? 200 : 401).end(JSON.stringify({ login: 'octocat' }))
})
let server: RunningServer
let call: () => ReturnType<typeof callTool>

beforeAll(async () => {
  await issuer.listen()
  await once(github.listen(0, '127.0.0.1'), 'listening')
  const { port } = github.address() as AddressInfo
  const settings = await testSettings({ GITHUB_API_URL: `http://127.0.0.1:${port}` })
  const { resource } = settings
  const validators = [oidc({ issuer: issuer.issuer, audience: resource })]
  server = await serve(settings, {
    auth: [mcpAuth({ resource, validators, onEvent: () => {} })],
    createMcpServer: mcpServerWith((mcp) =>
      registerGithubAccount(mcp, openGithub(settings, store)),
    ),
  })
  const authorization = `Bearer ${await issuer.token({ aud: resource })}`
  call = () => callTool(resource, 'github_account', { authorization })
})
afterAll(async () => {
  await server.close()
  await issuer.close()
  github.close()
})

describe('github_account', () => {
  it('says that a credential is missing, and asks nobody', async () => {
    const answer = await call()
    expect(answer.isError).toBe(true)
    expect(answer.content).toMatchObject([
      { text: expect.stringContaining('no "github" credential') },
    ])
    expect(seen).toEqual([])
  })

  it('names the account of the stored credential, which alone is sent', async () => {
    await store.set(key, { kind: 'api-key', secret: 'github-token' })
    expect((await call()).structuredContent).toEqual({ login: 'octocat' })
    expect(seen).toEqual(['Bearer github-token'])
  })

  it('says that GitHub refuses the credential', async () => {
    await store.set(key, { kind: 'api-key', secret: 'revoked' })
    expect(await call()).toMatchObject({
      isError: true,
      content: [{ text: 'GitHub answered 401' }],
    })
  })
})

describe('openGithub()', () => {
  const open = async (GITHUB_API_URL?: string) =>
    openGithub(await testSettings({ GITHUB_API_URL }), store).apiUrl

  it('asks GitHub itself where nothing is set, by https', async () => {
    expect(await open()).toBe('https://api.github.com')
  })

  it.each(['https://github.example.com/api/v3', 'http://localhost:9000', 'http://[::1]:9000'])(
    'takes %s',
    async (url) => expect(await open(url)).toBe(url),
  )

  it.each([
    'http://github.example.com',
    'http://localhost.example.com',
    'ftp://localhost',
    'github',
  ])(
    'sends no credential to %s',
    async (url) => await expect(open(url)).rejects.toThrow('GITHUB_API_URL must be https'),
  )
})
