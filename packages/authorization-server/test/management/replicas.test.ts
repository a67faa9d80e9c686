import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { testEngines } from '../../../store-postgres/test/support/engines.js'
import { openManagement } from '../../src/management/open-management.js'
import {
  authorize,
  callMcp,
  codeForm,
  obtainTokens,
  postToken,
  refresh,
  register,
} from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'
import { type Replicas, startReplicas } from './replicas.js'

const ROUNDS = isLongForm ? 6 : 2
const ANN = 'ann@example.com'
const BOB = 'bob@example.com'

/** Milliseconds until a token is refused. */
async function untilRefused(server: TestServer, accessToken: unknown): Promise<number> {
  const start = performance.now()
  while ((await callMcp(server, accessToken)) !== 401) {
    if (performance.now() - start > 5000) throw new Error('the token is still good')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - start
}

// Of PGlite both replicas use the one process, so that it is a matter of the night where a server runs.
const servers = testEngines().filter(({ kind, skip }) => kind === 'postgres' && skip === undefined)
const engines = isLongForm || servers.length === 0 ? testEngines() : servers

describe.each(engines)('two replicas on $name', (engine) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let replicas: Replicas
    let first: TestServer
    let second: TestServer
    let clientId: string

    beforeAll(async () => {
      replicas = await startReplicas(engine)
      first = replicas.first
      second = replicas.second
      clientId = (await register(first)).client_id
    }, 180_000)
    afterAll(() => replicas?.close())

    const countOf = async (text: string): Promise<number> => {
      let count = 0
      for (const table of ['user_profiles', 'oauth_tokens', 'audit_events', 'credentials']) {
        const statement = {
          name: `test_count_${table}`,
          text: `SELECT count(*) AS rows FROM {schema}.${table} AS one
            WHERE one::text LIKE '%' || $1::text || '%'`,
        }
        const [row] = await replicas.database.query(statement, [text])
        count += Number(row?.rows)
      }
      return count
    }

    it('E26 sees a suspension and a revoked client on the other replica within a second', async () => {
      const { tokens } = await obtainTokens(first, { clientId })
      expect(await callMcp(second, tokens.access_token)).toBe(200)
      await first.as.users.suspend(ANN)
      expect(await untilRefused(second, tokens.access_token)).toBeLessThan(1000)
      await first.as.users.activate(ANN)

      const other = (await register(first, { client_name: 'Other' })).client_id
      const again = await obtainTokens(first, { clientId: other })
      await first.as.clients.revoke(other)
      expect(await untilRefused(second, again.tokens.access_token)).toBeLessThan(1000)
    })

    it('E23 leaves no usable token of requests that are under way during a suspension', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { tokens, authorization } = await obtainTokens(first, { clientId })
        const form = codeForm(clientId, await authorize(first, clientId, authorization))
        const [exchanged, refreshed] = await Promise.all([
          postToken(first, form),
          refresh(first, clientId, tokens.refresh_token),
          second.as.users.suspend(ANN),
        ])
        for (const { status } of [exchanged, refreshed]) expect([200, 400]).toContain(status)
        const issued = [exchanged.body, refreshed.body].filter((body) => 'access_token' in body)
        for (const server of [first, second]) {
          for (const body of issued) await untilRefused(server, body.access_token)
        }
        await first.as.users.activate(ANN)
        for (const body of [...issued, tokens]) {
          expect(await callMcp(first, body.access_token)).toBe(401)
          expect((await refresh(first, clientId, body.refresh_token)).status).toBe(400)
        }
        expect(await first.as.sessions.list({ user: ANN })).toEqual([])
      }
    })

    it('refuses the old secret of a client on both replicas at once', async () => {
      const { client, clientSecret: old } = await first.as.clients.create({
        clientName: 'Nightly job',
        grantTypes: ['client_credentials'],
        scopes: ['coda.read'],
      })
      const form = { grant_type: 'client_credentials' }
      const basic = (secret: unknown) => ({
        authorization: `Basic ${Buffer.from(`${client.clientId}:${secret}`).toString('base64')}`,
      })
      expect((await postToken(second, form, basic(old))).status).toBe(200)
      const { clientSecret } = await first.as.clients.rotateSecret(client.clientId)
      for (const server of [first, second]) {
        expect((await postToken(server, form, basic(old))).status).toBe(401)
        expect((await postToken(server, form, basic(clientSecret))).status).toBe(200)
      }
    })

    it('is managed from outside as well', async () => {
      const { database, encryptionKeys } = replicas
      const management = openManagement({ database, encryptionKeys })
      const { tokens } = await obtainTokens(first, { clientId, subject: 'bob' })
      const [bob] = await management.users
        .list()
        .then((users) => users.filter(({ email }) => email === BOB))
      expect(await management.sessions.list({ user: BOB })).toMatchObject([{ userId: bob?.userId }])
      expect(await management.users.stats()).toMatchObject({ activeUsers: 2 })
      expect(await management.sessions.revokeUser(BOB)).toBe(1)
      expect(await untilRefused(first, tokens.access_token)).toBeLessThan(1000)
      await management.close()
      expect(await first.as.users.find(BOB)).toBeDefined()
      expect(() => openManagement({ database, encryptionKeys: 'short' })).toThrow(/encryptionKeys/)
      const foreign = openManagement({ database, encryptionKeys: generateEncryptionKey() })
      await expect(foreign.users.list()).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    })

    it('erases a user, also when it failed before, and leaves nothing that leads back', async () => {
      const { database, encryptionKeys, credentials } = replicas
      const { tokens } = await obtainTokens(first, { clientId, subject: 'bob' })
      const userId = (await first.as.users.find(BOB))?.userId ?? ''
      const owner = { kind: 'user', issuer: first.origin, subject: userId } as const
      for (const provider of ['coda', 'other']) {
        await credentials.set({ provider, owner }, { kind: 'api-key', secret: 'canary-secret' })
      }
      await credentials.get({ provider: 'coda', owner })
      const kept = { ...owner, subject: 'somebody-else' }
      await credentials.set({ provider: 'coda', owner: kept }, { kind: 'api-key', secret: 's' })

      const open = (store: Partial<TokenStore>) =>
        openManagement({
          database,
          encryptionKeys,
          credentials: { ...credentials, ...store },
        })
      const readOnly = open({ capabilities: { ...credentials.capabilities, write: false } })
      await expect(readOnly.users.erase(BOB)).rejects.toThrow(
        /can only be read.*Nothing was changed/,
      )
      expect(await callMcp(first, tokens.access_token)).toBe(200)

      let calls = 0
      const failing = open({
        async delete(key) {
          calls += 1
          if (calls === 2) throw new Error('the store is down')
          return credentials.delete(key)
        },
      })
      await expect(failing.users.erase(BOB)).rejects.toThrow('the store is down')
      expect(await first.as.users.find(userId)).toMatchObject({ status: 'suspended' })

      const erased = await second.as.users.erase(userId, {
        actor: { issuer: 'cli', subject: 'operator' },
      })
      expect(erased).toMatchObject({ userId, credentials: 1 })
      expect(erased.auditEvents).toBeGreaterThan(1)
      await untilRefused(first, tokens.access_token)
      expect([await countOf(userId), await countOf(BOB)]).toEqual([0, 0])
      expect(await credentials.get({ provider: 'coda', owner: kept })).toBeDefined()
      await expect(second.as.users.erase(userId)).rejects.toThrow(/there is no user/)
      const [event] = await second.as.audit.list({ event: 'user.remove' })
      expect(event?.actor?.subject).toBe('operator')
      const pseudonyms = (await second.as.audit.list({ limit: 1000 })).filter(({ actor }) =>
        actor?.subject.startsWith('erased-'),
      )
      expect(new Set(pseudonyms.map(({ actor }) => actor?.subject)).size).toBe(1)
    })
  })
})
