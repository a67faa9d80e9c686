import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from '../../examples/coda-mcp/test/support/free-port.js'
import {
  type ExistingServer,
  existingServers,
  type RunningServers,
  runServers,
  typeCheckServers,
} from './existing-servers.js'
import { installedPeer } from './installed-peer.js'
import { ROOT } from './snippets.js'

const snippets = join(ROOT, 'docs/test/.snippets-existing/servers')
const servers = existingServers()
const issuer = createTestIssuer()
const fastMcp = installedPeer('fastmcp', '4.20.16')

const running: RunningServers[] = []

beforeAll(() => issuer.listen())
afterAll(async () => {
  await Promise.all(running.map((each) => each.close()))
  await issuer.close()
  rmSync(snippets, { recursive: true, force: true })
})

/** Runs sides with the addresses of this test in the place of those of the guide, and says where. */
async function start(codes: readonly string[], folder: string): Promise<readonly string[]> {
  const servers = []
  for (const code of codes) {
    const port = await findFreePort()
    const own = code
      .replaceAll('https://notes.example.com/mcp', `http://127.0.0.1:${port}/mcp`)
      .replaceAll('https://login.example.com', issuer.issuer)
      .replaceAll('8081', String(await findFreePort()))
    servers.push({ code: own, port })
  }
  const server = await runServers(folder, servers)
  running.push(server)
  return server.urls
}

const headersOf = (token?: string): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

type Clients = Readonly<Record<string, (url: string, token?: string) => Promise<unknown>>>

/** Each calls the tool and returns what it said. */
const clients: Clients = {
  'SDK v1': async (url, token) => {
    const client = new ClientV1({ name: 'v1', version: '1.0.0' })
    const options = { requestInit: { headers: headersOf(token) } }
    await client.connect(new TransportV1(new URL(url), options) as never)
    try {
      return await client.callTool({ name: 'list_notes', arguments: {} })
    } finally {
      await client.close()
    }
  },
  'SDK v2': async (url, token) => {
    const client = new ClientV2({ name: 'v2', version: '1.0.0' })
    const options = { requestInit: { headers: headersOf(token) } }
    await client.connect(new TransportV2(new URL(url), options))
    try {
      return await client.callTool({ name: 'list_notes', arguments: {} })
    } finally {
      await client.close()
    }
  },
}

const answered = expect.objectContaining({ content: [{ type: 'text', text: 'Buy milk' }] })
const ping = { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' }

async function expectOpen(url: string): Promise<void> {
  for (const call of Object.values(clients)) expect(await call(url)).toEqual(answered)
}

async function expectGuarded(url: string): Promise<void> {
  const origin = new URL(url).origin
  const anonymous = await fetch(url, ping)
  expect(anonymous.status).toBe(401)
  const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`
  expect(anonymous.headers.get('www-authenticate')).toBe(
    `Bearer resource_metadata="${metadataUrl}"`,
  )
  expect(await (await fetch(metadataUrl)).json()).toMatchObject({
    resource: url,
    authorization_servers: [issuer.issuer],
  })
  const [good, other] = [
    await issuer.token({ aud: url }),
    await issuer.token({ aud: `${origin}/other` }),
  ]
  for (const [name, call] of Object.entries(clients)) {
    await expect(call(url), `${name} without a token`).rejects.toThrow()
    await expect(call(url, other), `${name} with the token of another`).rejects.toThrow()
    expect(await call(url, good), `${name} with a good token`).toEqual(answered)
  }
}

const isFastMcp = ({ title }: ExistingServer): boolean => title === 'FastMCP'
const ours = servers.filter((server) => !isFastMcp(server))

describe('docs/guides/add-to-existing-server.md', { timeout: 90_000 }, () => {
  it('has a diff for SDK v2, SDK v1, Express and FastMCP', () => {
    expect(servers.map(({ title }) => title)).toEqual([
      'Add auth to an existing server',
      'SDK v1',
      'Express with other routes',
      'FastMCP',
    ])
  })

  it('adds six lines to a server of an SDK, and takes none away', () => {
    for (const { added, removed } of servers.slice(0, 2)) expect([added, removed]).toEqual([6, 0])
  })

  it('type-checks on both sides of every diff', () => {
    const codes = ours.flatMap(({ before, after }) => [before, after])
    expect(typeCheckServers(join(snippets, 'types'), codes)).toBe('')
  })

  /** Addresses of both sides of each diff, by its title. */
  const before = new Map<string, string>()
  const after = new Map<string, string>()
  beforeAll(async () => {
    const codes = ours.flatMap((server) => [server.before, server.after])
    const urls = await start(codes, join(snippets, 'run'))
    for (const [index, { title }] of ours.entries()) {
      before.set(title, urls[2 * index] ?? '')
      after.set(title, urls[2 * index + 1] ?? '')
    }
  }, 90_000)

  it.each(ours)('$title: lets anybody in before', async ({ title }) => {
    await expectOpen(before.get(title) ?? '')
  })

  it.each(ours)('$title: asks for a token afterwards, and works with it', async ({ title }) => {
    await expectGuarded(after.get(title) ?? '')
  })

  it('Express with other routes: leaves those alone', async () => {
    const url = after.get('Express with other routes') ?? ''
    const home = await fetch(new URL('/', url))
    expect([home.status, await home.text()]).toEqual([200, 'Notes'])
  })

  describe.skipIf(fastMcp.folder === undefined)(`FastMCP${fastMcp.reason}`, () => {
    const server = servers.find(isFastMcp)
    const folder = join(fastMcp.folder ?? snippets, 'run')
    let started: Promise<readonly string[]> | undefined
    /** Where the server before, the one after and the one with scopes answer. */
    function urls(): Promise<readonly string[]> {
      const validators = /^ *validators: .*$/m
      const scopes = "scopes: { tools: { list_notes: ['notes.read'] }, otherTools: [] },"
      const code = server?.after.replace(validators, (line) => `${line}\n${scopes}`) ?? ''
      expect(code).toContain(scopes)
      started ??= start([server?.before ?? '', server?.after ?? '', code], folder)
      return started
    }

    it('type-checks before and after', () => {
      const codes = [server?.before ?? '', server?.after ?? '']
      expect(typeCheckServers(join(folder, 'types'), codes)).toBe('')
    })

    it('lets anybody in before', async () => {
      const [before = ''] = await urls()
      await expectOpen(before)
    })

    it('asks for a token afterwards, and works with it', async () => {
      const [, after = ''] = await urls()
      await expectGuarded(after)
    })

    it('takes scopes per tool, as it says', async () => {
      const [, , url = ''] = await urls()
      const [reader, other] = [
        await issuer.token({ aud: url, scope: 'notes.read' }),
        await issuer.token({ aud: url, scope: 'notes.write' }),
      ]
      for (const call of Object.values(clients)) {
        expect(await call(url, reader)).toEqual(answered)
        await expect(call(url, other)).rejects.toThrow()
      }
    })
  })
})
