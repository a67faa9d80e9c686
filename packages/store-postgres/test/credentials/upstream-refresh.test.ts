import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  cachedTokenStore,
  createCredentials,
  type Principal,
  type RefreshCredential,
} from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProxy } from '../support/proxy.js'
import {
  apiKey,
  type Backend,
  openBackend,
  openStore,
  serviceKey,
  setups,
  uniqueNamespace,
  userKey,
} from './support.js'

const ANN: Principal = {
  issuer: 'https://issuer.example',
  subject: 'ann',
  kind: 'user',
} as Principal

/** A token endpoint that takes every refresh token once. */
async function startUpstream() {
  let current = 'canary-refresh-0'
  let refreshes = 0
  const refused: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const presented = new URLSearchParams(body).get('refresh_token') ?? ''
    // Slow enough for every other caller to arrive meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 200))
    response.setHeader('content-type', 'application/json')
    if (presented !== current) {
      refused.push(presented)
      response.statusCode = 400
      response.end(JSON.stringify({ error: 'invalid_grant' }))
      return
    }
    refreshes++
    current = `canary-refresh-${refreshes}`
    const access = `canary-access-${refreshes}`
    response.end(JSON.stringify({ access_token: access, refresh_token: current, expires_in: 3600 }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/token`,
    refused,
    get refreshes() {
      return refreshes
    },
    get current() {
      return current
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

function refreshAt(url: string): RefreshCredential {
  return async ({ refreshToken = '' }, { signal }) => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
    const response = await fetch(url, { method: 'POST', body, signal })
    if (response.status === 400) return undefined
    const answer = await response.json()
    return {
      kind: 'oauth2',
      secret: answer.access_token,
      refreshToken: answer.refresh_token,
      expiresAt: Date.now() / 1000 + answer.expires_in,
    }
  }
}

describe.each(setups)('upstream refresh on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    it.each(['without a cache', 'behind a cache'])(
      'X25 refreshes an expired token once for 100 parallel calls over two instances, %s',
      { timeout: 60_000 },
      async (wrapping) => {
        const upstream = await startUpstream()
        const namespace = uniqueNamespace()
        const databases = [backend.database, backend.openReplica()]
        const callers = databases.map((database) => {
          const { encryptionKeys } = backend
          const store = openStore({ database, encryptionKeys }, { namespace })
          return createCredentials({
            store: wrapping === 'behind a cache' ? cachedTokenStore(store) : store,
            provider: 'coda',
            per: 'user',
            refresh: refreshAt(upstream.url),
          })
        })
        const store = openStore(backend, { namespace })
        await store.set(userKey('ann'), {
          kind: 'oauth2',
          secret: 'canary-access-0',
          refreshToken: 'canary-refresh-0',
          expiresAt: Date.now() / 1000 - 10,
        })

        const calls = Array.from({ length: 100 }, (_, index) => callers[index % 2]?.for(ANN))
        const secrets = new Set((await Promise.all(calls)).map((each) => each?.secret))
        expect([...secrets]).toEqual(['canary-access-1'])
        expect(upstream.refreshes).toBe(1)
        expect(upstream.refused).toEqual([])
        // The token that the upstream will take next time is the one that is stored.
        expect((await store.get(userKey('ann')))?.refreshToken).toBe(upstream.current)
        await upstream.close()
      },
    )
  })
})

const servers = setups.filter(
  ({ engine, profile }) => engine.kind === 'postgres' && profile.name === 'as it comes',
)

describe.each(servers)('outcomes on $title', ({ engine }) => {
  it.skipIf(engine.skip)(
    'X32 tells absent, unavailable and damaged apart, and asks nobody to connect in an outage',
    { timeout: 60_000 },
    async () => {
      const backend = await openBackend(engine)
      const address = backend.test.connectionString ?? ''
      const proxy = await startProxy({ port: Number(new URL(address).port) })
      const namespace = uniqueNamespace()
      const { createDatabase } = await import('../../src/database/create-database.js')
      const database = createDatabase({ connectionString: proxy.connectionString(address) })
      const store = openStore({ database, encryptionKeys: backend.encryptionKeys }, { namespace })
      const coda = createCredentials({
        store,
        provider: 'coda',
        per: 'user',
        connectUrl: 'https://coda.example.com/connect',
      })
      try {
        const kindOf = async () => {
          const resolution = await coda.resolve(ANN).catch((error) => ({ kind: error.code, error }))
          expect(JSON.stringify(resolution)).not.toContain('canary')
          return resolution.kind
        }
        expect(await kindOf()).toBe('required')
        await store.set(userKey('ann'), apiKey('canary-secret'))
        expect(await kindOf()).toBe('found')

        await backend.run(
          `UPDATE {schema}.credentials SET payload = '\\x01' WHERE namespace = $1`,
          [namespace],
        )
        expect(await kindOf()).toBe('ERR_STORE_INTEGRITY')

        for (const mode of ['refuse', 'reset', 'mute'] as const) {
          await proxy.setMode(mode)
          const startedAt = performance.now()
          expect(await kindOf()).toBe('unavailable')
          expect(performance.now() - startedAt).toBeLessThan(2500)
          await proxy.setMode('pass')
        }
        await store.set(userKey('ann'), apiKey('canary-secret'))
        expect(await kindOf()).toBe('found')
        expect(await store.get(serviceKey())).toBeUndefined()
      } finally {
        await store.close()
        await database.close()
        await proxy.close()
        await backend.end()
      }
    },
  )
})
