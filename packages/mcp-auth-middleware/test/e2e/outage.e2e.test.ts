import { afterEach, describe, expect, it } from 'vitest'
import { clientV1, clientV2, clientV2Modern, type McpClient } from './mcp-clients.js'
import { type McpApp, sdkV1Stateless, sdkV2 } from './mcp-servers.js'
import { createMemoryProvider } from './memory-provider.js'
import { headersFor, initialize, post } from './plain-http.js'
import { createStage, type ProtectedServer } from './protected-server.js'

const stage = createStage()
afterEach(() => stage.stop())

/** A client that signed in some time ago. */
async function createSignedIn({ token }: ProtectedServer) {
  const provider = createMemoryProvider()
  const accessToken = await token({ sub: 'ann' })
  provider.saveTokens({ access_token: accessToken, token_type: 'Bearer', refresh_token: 'kept' })
  provider.saveClientInformation({ client_id: 'known' })
  return { provider, accessToken }
}

const CLIENTS: [name: string, client: McpClient, app: McpApp][] = [
  [clientV1.name, clientV1, sdkV1Stateless],
  [clientV2.name, clientV2, sdkV2],
  [clientV2Modern.name, clientV2Modern, sdkV2],
]

describe('an issuer whose keys cannot be fetched', () => {
  it.each(['error-500', 'html', 'reset', 'empty', 'redirect'] as const)(
    'K05 is answered 503 with Retry-After, never 401, while it answers with %s',
    async (mode) => {
      const { url, token, issuer, events } = await stage.start({ app: sdkV2 })
      issuer.respond('jwks', mode)
      const answer = await post(url, initialize('2025-11-25'), headersFor(await token()))
      expect(answer.status).toBe(503)
      expect(answer.text).toBe('{"error":"temporarily_unavailable"}')
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect(answer.headers['www-authenticate']).toBeUndefined()
      expect(events.at(-1)).toMatchObject({ outcome: 'unavailable', status: 503 })
    },
  )

  it.each(CLIENTS)(
    'leaves the %s its tokens, and serves it as soon as it is back',
    async (_, client, app) => {
      let now = Date.now()
      const server = await stage.start({ app, now: () => now })
      const { provider, accessToken } = await createSignedIn(server)
      server.issuer.respond('jwks', 'error-500')

      const first = client.open(server.url, { provider })
      stage.later(() => first.close())
      const failure = await first.connect().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure).toBeInstanceOf(Error)
      expect(client.isUnauthorized(failure)).toBe(false)
      expect(provider.visited).toEqual([])
      expect(provider.currentTokens()).toMatchObject({
        access_token: accessToken,
        refresh_token: 'kept',
      })

      server.issuer.respond('jwks', 'ok')
      now += 5_000
      const second = client.open(server.url, { provider })
      stage.later(() => second.close())
      await second.connect()
      expect(await second.call('whoami')).toMatchObject({
        subject: 'ann',
        tokenEnd: accessToken.slice(-8),
      })
    },
  )

  it('F02 does not disturb clients whose keys are known, long after they went stale', async () => {
    let now = Date.now()
    const server = await stage.start({ app: sdkV2, now: () => now, auth: { cache: false } })
    const session = clientV2.open(server.url, { token: await server.token() })
    stage.later(() => session.close())
    await session.connect()
    server.issuer.respond('jwks', 'error-500')
    for (let minutes = 0; minutes < 50; minutes += 10) {
      now += 600_000
      expect(await session.call('whoami')).toMatchObject({ subject: 'test-user' })
    }
    expect(
      server.events.every((event) => event.type !== 'request' || event.outcome === 'accepted'),
    ).toBe(true)
  })
})
