import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterEach, describe, expect, it } from 'vitest'
import { loadKeyRing } from '../../src/engine/key-ring.js'
import { callMcp, obtainTokens, refresh } from './support/flow.js'
import { createMemoryStorage } from './support/memory-storage.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

const kidOf = (token: unknown): string =>
  JSON.parse(Buffer.from(String(token).split('.')[0] ?? '', 'base64url').toString()).kid

async function publishedKids(origin: string): Promise<string[]> {
  const response = await fetch(`${origin}/.well-known/jwks.json`)
  expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  const { keys } = await response.json()
  return keys.map(({ kid }: { kid: string }) => kid)
}

describe('rotation of the signing key', () => {
  it('E33 lists both keys, signs with the old one first, and accepts tokens of both', async () => {
    const storage = createMemoryStorage(() => Date.now())
    server = await startServer({ storage })
    const { clientId, tokens } = await obtainTokens(server)
    await server.as.signingKeys.rotate()
    const kids = await publishedKids(server.origin)
    expect(kids).toHaveLength(2)
    const before = await refresh(server, clientId, tokens.refresh_token)
    expect(kidOf(before.body.access_token)).toBe(kidOf(tokens.access_token))
    server.advance(421)
    await server.as.signingKeys.rotate()
    const after = await refresh(server, clientId, before.body.refresh_token)
    expect(kidOf(after.body.access_token)).toBe(kids[1])
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    expect(await callMcp(server, after.body.access_token)).toBe(200)
  })

  it('ends every access token of a compromised key at once', async () => {
    server = await startServer()
    const { clientId, tokens } = await obtainTokens(server)
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    await server.as.signingKeys.rotate({ compromised: true })
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    expect(await publishedKids(server.origin)).not.toContain(kidOf(tokens.access_token))
    const next = await refresh(server, clientId, tokens.refresh_token)
    expect(await callMcp(server, next.body.access_token)).toBe(200)
  })

  it('E34 lets two replicas agree on the first key and on the time to change', async () => {
    let now = 1_000_000
    const storage = createMemoryStorage(() => now)
    const options = {
      storage,
      policy: { algorithm: 'ES256', longestTokenLife: 3600 } as const,
      now: () => now,
    }
    const [a, b] = await Promise.all([loadKeyRing(options), loadKeyRing(options)])
    expect(a.signingKey.kid).toBe(b.signingKey.kid)
    await a.rotate({ compromised: false })
    now += 60_000
    await b.refresh()
    expect(b.keys).toHaveLength(2)
    expect(b.signingKey.kid).toBe(a.signingKey.kid)
    now += 420_000
    await a.refresh()
    // B has not polled yet: it still verifies by both keys, and A still publishes the old one.
    expect(b.keys.map(({ kid }) => kid)).toContain(a.signingKey.kid)
    expect(a.keys.map(({ kid }) => kid)).toContain(b.signingKey.kid)
  })

  it('E35 refuses to start with a stored key that cannot be used', async () => {
    const storage = createMemoryStorage(() => Date.now())
    server = await startServer({ storage })
    const [key] = storage.state.keys
    if (key === undefined) throw new Error('no key')
    const { d: _, ...publicPart } = key.jwk
    storage.state.keys = [{ ...key, jwk: publicPart }]
    const again = startServer({ storage, encryptionKeys: generateEncryptionKey() })
    await expect(again).rejects.toThrow(/has no private part/)
  })
})
