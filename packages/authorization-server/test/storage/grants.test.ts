import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { grantKeyOf } from '../../src/storage/grant-key.js'
import type { Storage } from '../../src/storage/storage.js'
import {
  type Backend,
  failureOf,
  newId,
  openBackend,
  START_MILLISECONDS,
  serverProfiles,
} from './support.js'

const ANN = { provider: 'google', issuer: 'https://accounts.example', subject: 'ann' }
const HOUR = 3600

describe.each(serverProfiles)('grants on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let storage: Storage
    let userId: string
    let expiresAt: number

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      storage = backend.storage
    }, START_MILLISECONDS)
    beforeEach(async () => {
      await backend.empty()
      userId = (await storage.users.signIn(ANN)).userId
      expiresAt = backend.clock.now / 1000 + HOUR
    })
    afterAll(() => backend?.end())

    async function makeGrant(owner: string, clientId = 'app'): Promise<string> {
      const grantId = newId()
      const grant = { jti: grantId, accountId: owner, clientId, openid: { scope: 'openid' } }
      await storage.records('Grant').upsert(grantId, grant, HOUR)
      const facts = { grantId, facts: { clientName: 'Some app' } }
      await storage.records('ConsentFacts').upsert(grantId, facts, HOUR)
      const token = { accountId: owner, clientId, grantId }
      await storage.records('RefreshToken').upsert(newId(), token, HOUR)
      // What is kept for a replay names no user.
      await storage.records('RefreshReplay').upsert(newId(), { clientId, grantId }, HOUR)
      return grantId
    }
    async function countRecords(): Promise<number> {
      const [row] = await backend.sql('SELECT count(*) AS records FROM {schema}.oauth_tokens')
      return Number(row?.records)
    }
    async function revoked(): Promise<string[]> {
      return (await storage.revocations.read()).revocations.map(({ kind, id }) => `${kind} ${id}`)
    }

    it('lists them with what was approved and when they were last used, in pages', async () => {
      const first = await makeGrant(userId)
      backend.clock.now += 60_000
      const token = { accountId: userId, clientId: 'app', grantId: first }
      await storage.records('AccessToken').upsert(newId(), token, HOUR)
      await makeGrant(userId, 'other')
      await makeGrant('00000000-0000-4000-8000-000000000000')

      const found = await storage.grants.find(grantKeyOf(first))
      expect(found).toMatchObject({ userId, clientId: 'app', facts: { clientName: 'Some app' } })
      expect(found?.payload.openid).toEqual({ scope: 'openid' })
      expect((found?.lastUsedAt ?? 0) - (found?.createdAt ?? 0)).toBe(60)
      expect(await storage.grants.list({ userId })).toHaveLength(2)
      expect(await storage.grants.list({ clientId: 'app' })).toHaveLength(2)
      expect(await storage.grants.list({ userId, clientId: 'app' })).toEqual([found])
      const [one] = await storage.grants.list({ limit: 1 })
      const rest = await storage.grants.list({ after: one?.grantKey })
      expect(rest.map(({ grantKey }) => grantKey)).not.toContain(one?.grantKey)
      expect(rest).toHaveLength(2)
      expect(await failureOf(storage.grants.list({ after: 'no-key' }))).toBe('ERR_STORE_INVALID')
      expect(JSON.stringify(rest)).not.toContain(first)
    })

    it('ends one with everything that hangs on it, and nothing else', async () => {
      const grantId = await makeGrant(userId)
      const other = await makeGrant(userId)
      expect(await storage.grants.revoke(grantKeyOf(grantId), expiresAt)).toBe(true)
      expect(await storage.grants.revoke(grantKeyOf(grantId), expiresAt)).toBe(false)
      expect(await storage.grants.revoke('no-key', expiresAt)).toBe(false)
      expect(await storage.records('Grant').find(grantId)).toBeUndefined()
      expect(await storage.grants.find(grantKeyOf(other))).toBeDefined()
      expect(await countRecords()).toBe(4)
      expect(await revoked()).toEqual([`grant ${grantKeyOf(grantId)}`])
    })

    it('ends all of a user together with the browser sessions, and those of nobody else', async () => {
      const ids = [await makeGrant(userId), await makeGrant(userId)]
      const session = newId()
      await storage.records('Session').upsert(session, { accountId: userId, uid: newId() }, HOUR)
      const other = await makeGrant('00000000-0000-4000-8000-000000000000')
      expect(await storage.grants.revokeByUser(userId, expiresAt)).toBe(2)
      expect(await storage.records('Session').find(session)).toBeUndefined()
      expect(await storage.grants.find(grantKeyOf(other))).toBeDefined()
      expect(await countRecords()).toBe(4)
      expect((await revoked()).sort()).toEqual(ids.map((id) => `grant ${grantKeyOf(id)}`).sort())
      expect(await storage.grants.revokeByUser('nobody', expiresAt)).toBe(0)
    })

    it('ends all of a client', async () => {
      await makeGrant(userId, 'app')
      await makeGrant(userId, 'other')
      await storage.records('ClientCredentials').upsert(newId(), { clientId: 'app' }, HOUR)
      expect(await storage.grants.revokeByClient('app', expiresAt)).toBe(1)
      expect(await countRecords()).toBe(4)
    })

    it('takes nothing back of a transaction that fails', async () => {
      await makeGrant(userId)
      const failing = storage.transaction(async () => {
        await storage.grants.revokeByUser(userId, expiresAt)
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      expect([await countRecords(), await revoked()]).toEqual([4, []])
    })

    it('ends 3,000 at once', async () => {
      const rows = 3000
      await backend.sql(
        `INSERT INTO {schema}.oauth_tokens (token_type, token_id, client_id, user_id, created_at,
          version, key_id, wrapped_key, payload)
        SELECT 'Grant', decode(lpad(to_hex(n), 64, '0'), 'hex'), 'app', $1::text, now(),
          '00000000-0000-7000-8000-000000000000', '\\x0000000000000000', '', ''
        FROM generate_series(1, ${rows}) AS n`,
        [userId],
      )
      expect(await storage.grants.revokeByUser(userId, expiresAt)).toBe(rows)
      expect(await countRecords()).toBe(0)
      expect(await revoked()).toHaveLength(rows)
    })
  })
})
