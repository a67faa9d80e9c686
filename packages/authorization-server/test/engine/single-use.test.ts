import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProofKey } from '../../../mcp-auth-middleware/test/dpop/proof-key.js'
import { type Backend, openBackend, START_MILLISECONDS, serverSetups } from '../storage/support.js'
import { authorize, codeForm, postToken, register } from './support/flow.js'
import type { MemoryStorage } from './support/memory-storage.js'
import { startServer, type TestServer } from './support/server.js'

const RACERS = 10
const CREDENTIALS = { grant_type: 'client_credentials' }
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

type Answer = Awaited<ReturnType<typeof postToken>>

/** A program that proves itself by a key, with a scope. */
async function createProgram(server: TestServer) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] }
  const { client } = await server.as.clients.create({
    clientName: 'Nightly job',
    grantTypes: ['client_credentials'],
    scopes: ['coda.read'],
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks,
  })
  const { clientId } = client
  async function sign(): Promise<Record<string, string>> {
    const now = Math.floor(Date.now() / 1000)
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(server.as.metadata.issuer)
      .setJti(crypto.randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(privateKey)
    return { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion }
  }
  return { clientId, sign }
}

function refreshForm(clientId: string, token: unknown): Record<string, string> {
  return { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(token) }
}

describe.each(serverSetups)('one proof of many requests on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let servers: readonly [TestServer, TestServer]

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      // The servers go by the clock of the machine.
      Object.defineProperty(backend.clock, 'now', { get: () => Date.now() })
      const options = { dpop: true, encryptionKeys: generateEncryptionKey() } as const
      const first = await startServer({
        ...options,
        storage: backend.storage as unknown as MemoryStorage,
      })
      const second = await startServer({
        ...options,
        issuer: first.origin,
        resources: { [first.resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Write' } } },
        storage: backend.openReplica() as unknown as MemoryStorage,
      })
      servers = [first, second]
    }, START_MILLISECONDS)
    afterAll(async () => {
      for (const server of servers ?? []) await server.close()
      await backend?.end()
    })

    /** Sends one request to both servers at once. Who finds no free connection comes again. */
    async function race<Reply extends { readonly status: number }>(
      send: (server: TestServer) => Promise<Reply>,
    ): Promise<Record<number, number>> {
      async function sendUntilAnswered(server: TestServer): Promise<Reply> {
        const reply = await send(server)
        return reply.status === 503 ? sendUntilAnswered(server) : reply
      }
      const [first, second] = servers
      const racers = Array.from({ length: RACERS }, (_, index) => (index % 2 ? first : second))
      const counts: Record<number, number> = {}
      for (const { status } of await Promise.all(racers.map(sendUntilAnswered))) {
        counts[status] = (counts[status] ?? 0) + 1
      }
      return counts
    }

    it('is good for one call of userinfo', async () => {
      const [server] = servers
      const key = await createProofKey()
      const { client_id: clientId } = await register(server)
      const form = codeForm(
        clientId,
        await authorize(server, clientId, { parameters: { scope: 'openid coda.read' } }),
      )
      const dpop = await key.prove('POST', `${server.origin}/oauth/token`)
      const token = (await postToken(server, form, { dpop })).body.access_token
      const proof = await key.prove('GET', `${server.origin}/oauth/userinfo`, {
        accessToken: token,
      })
      const headers = { authorization: `DPoP ${token}`, dpop: proof }
      const counts = await race(({ origin }) => fetch(`${origin}/oauth/userinfo`, { headers }))
      expect(counts).toEqual({ 200: 1, 401: RACERS - 1 })
    })

    it('is good for one token, when it is an assertion', async () => {
      const { sign } = await createProgram(servers[0])
      const form = { ...CREDENTIALS, ...(await sign()) }
      expect(await race((server) => postToken(server, form))).toEqual({ 200: 1, 401: RACERS - 1 })
    })

    it('is good for one token, when it is a DPoP proof', async () => {
      const [server] = servers
      const { clientId, sign } = await createProgram(server)
      const dpop = await (await createProofKey()).prove('POST', `${server.origin}/oauth/token`)
      const send = async (to: TestServer): Promise<Answer> =>
        postToken(to, { ...CREDENTIALS, client_id: clientId, ...(await sign()) }, { dpop })
      expect(await race(send)).toEqual({ 200: 1, 400: RACERS - 1 })
    })

    it('is good for one repeated answer', async () => {
      const [server] = servers
      const key = await createProofKey()
      const prove = () => key.prove('POST', `${server.origin}/oauth/token`)
      const { client_id: clientId } = await register(server)
      const form = codeForm(clientId, await authorize(server, clientId))
      const { body } = await postToken(server, form, { dpop: await prove() })
      const spent = refreshForm(clientId, body.refresh_token)
      expect((await postToken(server, spent, { dpop: await prove() })).status).toBe(200)
      const dpop = await prove()
      const counts = await race((to) => postToken(to, spent, { dpop }))
      expect(counts).toEqual({ 200: 1, 400: RACERS - 1 })
      expect((await postToken(server, spent, { dpop: await prove() })).status).toBe(200)
    })

    it('is used up by a request that is refused', async () => {
      const [server] = servers
      const { sign } = await createProgram(server)
      const assertion = { ...CREDENTIALS, ...(await sign()) }
      const resource = 'https://other.test/mcp'
      const refused = await postToken(server, { ...assertion, resource })
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_target'])
      const again = await postToken(server, assertion)
      expect([again.status, again.body.error]).toEqual([401, 'invalid_client'])
      expect((await postToken(server, { ...CREDENTIALS, ...(await sign()) })).status).toBe(200)
    })
  })
})

describe('a proof', () => {
  async function withServer(run: (server: TestServer) => Promise<void>): Promise<void> {
    const server = await startServer({ dpop: true })
    try {
      await run(server)
    } finally {
      await server.close()
    }
  }

  it('is used up by a code that is refused, and the code is not', () =>
    withServer(async (server) => {
      const key = await createProofKey()
      const url = `${server.origin}/oauth/token`
      const { client_id: clientId } = await register(server)
      const form = codeForm(clientId, await authorize(server, clientId))
      const dpop = await key.prove('POST', url)
      const refused = await postToken(server, { ...form, resource: 'https://other.test' }, { dpop })
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_target'])
      const again = await postToken(server, form, { dpop })
      expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
      const fresh = await key.prove('POST', url)
      expect((await postToken(server, form, { dpop: fresh })).status).toBe(200)
    }))

  it('is still good after an outage, at whatever point', () =>
    withServer(async (server) => {
      const { sign } = await createProgram(server)
      const form = { ...CREDENTIALS, ...(await sign()) }
      let outages = 0
      for (let calls = 0; ; calls += 1) {
        server.storage.fail(calls)
        const { status } = await postToken(server, form)
        server.storage.recover()
        if (status === 200) break
        expect(status).toBe(503)
        outages += 1
      }
      expect(outages).toBeGreaterThan(2)
      expect((await postToken(server, form)).status).toBe(401)
    }))

  it('from ahead of the clock is used up for as long as it is good', () =>
    withServer(async (server) => {
      const { clientId, sign } = await createProgram(server)
      const iat = Math.floor(Date.now() / 1000) + 299
      const key = await createProofKey()
      const dpop = await key.prove('POST', `${server.origin}/oauth/token`, { payload: { iat } })
      const send = async () =>
        postToken(server, { ...CREDENTIALS, client_id: clientId, ...(await sign()) }, { dpop })
      expect((await send()).status).toBe(200)
      server.advance(400)
      expect((await send()).status).toBe(400)
    }))

  it('does not count for another client that uses the same id', () =>
    withServer(async (server) => {
      const key = await createProofKey()
      const url = `${server.origin}/oauth/token`
      const statuses: number[] = []
      for (const name of ['One', 'Other']) {
        const { client_id: clientId } = await register(server, { client_name: name })
        const form = codeForm(clientId, await authorize(server, clientId))
        const dpop = await key.prove('POST', url, { payload: { jti: 'same' } })
        statuses.push((await postToken(server, form, { dpop })).status)
      }
      expect(statuses).toEqual([200, 200])
    }))
})
