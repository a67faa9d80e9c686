import { decodeJwt } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { clientV1, clientV2, clientV2Auto, clientV2Modern, type McpClient } from './mcp-clients.js'
import { MCP_APPS, type McpApp, sdkV1Stateful, sdkV2 } from './mcp-servers.js'
import { createMemoryProvider, type MemoryProvider } from './memory-provider.js'
import { createStage, type Layout, type ProtectedServer } from './protected-server.js'

const stage = createStage()
afterEach(() => stage.stop())

type Pair = readonly [client: McpClient, app: McpApp]

/** Puts a readable first column before each pair. */
function withNames(pairs: readonly Pair[]): [name: string, ...Pair][] {
  const names = new Map(MCP_APPS.map(([name, app]) => [app, name]))
  return pairs.map(([client, app]) => [`${client.name}, ${names.get(app)}`, client, app])
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Opens a session that is expected to be sent to the authorization server, and signs in. */
async function signIn(client: McpClient, { url }: ProtectedServer, provider: MemoryProvider) {
  const first = client.open(url, { provider })
  stage.later(() => first.close())
  const failure = await failureOf(first.connect())
  expect(client.isUnauthorized(failure)).toBe(true)
  await first.finishSignIn(provider.takeAnswer())

  const session = client.open(url, { provider })
  stage.later(() => session.close())
  await session.connect()
  return session
}

const LAYOUTS: Layout[] = [
  'path',
  'no path',
  'stripped prefix only',
  'stripped prefix, all forwarded',
]

const PAIRS: readonly Pair[] = [
  [clientV1, sdkV1Stateful],
  [clientV1, sdkV2],
  [clientV2, sdkV1Stateful],
  [clientV2Auto, sdkV2],
  [clientV2Modern, sdkV2],
]

/** The pairs that meet a layout: all by night. By day each meets one layout, the next one the next. */
function pairsFor(layout: Layout): readonly Pair[] {
  const place = LAYOUTS.indexOf(layout)
  return isLongForm ? PAIRS : PAIRS.filter((_pair, index) => index % LAYOUTS.length === place)
}

describe.each(LAYOUTS)('a client without a token, for a resource with %s', (layout) => {
  it.each(withNames(pairsFor(layout)))(
    'finds its way to a tool by the 401 alone: %s',
    async (_, client, app) => {
      const server = await stage.start({
        app,
        layout,
        auth: { scopes: { required: ['notes.read'] } },
      })
      const provider = createMemoryProvider()
      const session = await signIn(client, server, provider)

      const token = provider.currentTokens()?.access_token ?? ''
      expect(await session.call('whoami')).toMatchObject({
        subject: 'test-user',
        scopes: ['notes.read'],
        tokenEnd: token.slice(-8),
      })
      expect(decodeJwt(token)).toMatchObject({ iss: server.issuer.issuer, aud: server.url })
      expect(provider.visited).toHaveLength(1)
      expect(provider.visited[0]?.searchParams.get('resource')).toBe(server.url)
      expect(server.issuer.requests('register')).toBe(1)
    },
  )
})

describe('a client without a token, for a resource without scopes', () => {
  it.each([clientV1, clientV2Auto])('asks for no scope by itself: $name', async (client) => {
    const server = await stage.start({ app: sdkV2 })
    const provider = createMemoryProvider()
    const session = await signIn(client, server, provider)
    expect(await session.call('whoami')).toMatchObject({ subject: 'test-user' })
    expect(provider.visited[0]?.searchParams.get('scope')).toBeNull()
  })
})

describe('a client whose token is over', () => {
  it.each([clientV1, clientV2, clientV2Modern])(
    'refreshes on the 401 and goes on without a person: $name',
    async (client) => {
      let now = Date.now()
      const server = await stage.start({
        app: sdkV2,
        now: () => now,
        issuer: () => ({ now: () => now }),
      })
      const provider = createMemoryProvider()
      const session = await signIn(client, server, provider)
      // The handshake of 2025 asks for a stream without waiting; a second request on its way with the
      // old token would spend the same refresh token again.
      if (client !== clientV2Modern) {
        await expect
          .poll(() =>
            server.events.some((event) => event.type === 'request' && event.method === 'GET'),
          )
          .toBe(true)
      }
      const before = provider.currentTokens()?.access_token
      now += 3_700_000
      expect(await session.call('whoami')).toMatchObject({ subject: 'test-user' })
      expect(provider.currentTokens()?.access_token).not.toBe(before)
      expect(provider.visited).toHaveLength(1)
    },
  )
})

describe('a client whose token lacks the scope of a tool', () => {
  const scopes = {
    required: ['notes.read'],
    tools: { delete_note: ['notes.write'] },
    otherTools: [],
  }

  // SDK v1 refreshes before it asks for more, so there only a client without a refresh token can.
  // Each client by day; by night with another server, too.
  it.each(
    withNames([
      [clientV1, sdkV1Stateful],
      ...(isLongForm ? ([[clientV1, sdkV2]] as const) : []),
      [clientV2, sdkV2],
      ...(isLongForm ? ([[clientV2, sdkV1Stateful]] as const) : []),
      [clientV2Modern, sdkV2],
    ]),
  )('asks for the scopes of the challenge and comes back with them: %s', async (_, client, app) => {
    const server = await stage.start({ app, auth: { scopes } })
    const provider = createMemoryProvider({ refreshes: client !== clientV1 })
    const session = await signIn(client, server, provider)
    expect(await session.call('whoami')).toMatchObject({ scopes: ['notes.read'] })

    const failure = await failureOf(session.call('delete_note'))
    expect(client.isUnauthorized(failure)).toBe(true)
    expect(provider.visited[1]?.searchParams.get('scope')).toBe('notes.read notes.write')
    await session.finishSignIn(provider.takeAnswer())
    expect(await session.call('delete_note')).toMatchObject({
      scopes: ['notes.read', 'notes.write'],
    })
    expect(provider.visited).toHaveLength(2)
    expect(server.issuer.requests('register')).toBe(1)
  })

  it('ends after one attempt where the client only refreshes: SDK v1 client', async () => {
    const server = await stage.start({ app: sdkV2, auth: { scopes } })
    const provider = createMemoryProvider()
    const session = await signIn(clientV1, server, provider)
    const failure = await failureOf(session.call('delete_note'))
    expect(failure).toMatchObject({ code: 403 })
    const refused = server.events.filter(
      (event) => event.type === 'request' && event.outcome === 'insufficient_scope',
    )
    expect(refused).toHaveLength(2)
    expect(await session.call('whoami')).toMatchObject({ scopes: ['notes.read'] })
  })
})
