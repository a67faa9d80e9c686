import type { Database, Queryable } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStorage } from '../../src/storage/create-storage.js'
import type { Storage } from '../../src/storage/storage.js'
import { type Backend, engineSetups, newId, openBackend, START_MILLISECONDS } from './support.js'

const USER = '7a4c1f5e-93aa-4d5f-9f0e-0c1d2e3f4a5b'

describe.each(engineSetups)('records in a transaction on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let storage: Storage
    const statements: string[] = []

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      const { codec, clock } = backend
      const database: Database = Object.create(backend.database, {
        transaction: {
          value: (run: (queryable: Queryable) => Promise<unknown>, options: object) =>
            backend.database.transaction((queryable) => {
              const query: Queryable['query'] = (statement, values) => {
                statements.push(statement.name.replace('mcp_auth_as_', ''))
                return queryable.query(statement, values)
              }
              return run({ query })
            }, options),
        },
      })
      storage = createStorage({ database, codec, now: () => clock.now })
      await storage.check()
    }, START_MILLISECONDS)
    beforeEach(async () => {
      await backend.empty()
      statements.length = 0
    })
    afterAll(() => backend?.end())

    /** A refresh token with everything that belongs to it. */
    async function createFamily() {
      const [id, grantId] = [newId(), newId()]
      await storage.records('Grant').upsert(grantId, { jti: grantId, accountId: USER }, 60)
      await storage.records('Client').upsert('app', { client_id: 'app' })
      await storage.records('Facts').upsert(USER, { facts: { invited: true } })
      const token = { jti: id, grantId, clientId: 'app', accountId: USER }
      await storage.records('RefreshToken').upsert(id, token, 60)
      return { id, grantId, token }
    }

    it('knows what was locked, and what belongs to it, by one statement', async () => {
      const { id, grantId, token } = await createFamily()
      await storage.transaction(async () => {
        await storage.lock('RefreshToken', id, { modelOfUser: 'Facts' })
        expect(await storage.records('RefreshToken').find(id)).toEqual(token)
        expect((await storage.records('Grant').find(grantId))?.accountId).toBe(USER)
        expect(await storage.records('Client').find('app')).toEqual({ client_id: 'app' })
        expect((await storage.records('Facts').find(USER))?.facts).toEqual({ invited: true })
      })
      expect(statements).toEqual(['lock'])
    })

    it('does not know a client that is not active, nor what has expired', async () => {
      const { id, grantId } = await createFamily()
      await storage.clients.setActive('app', false)
      backend.clock.now += 61_000
      await storage.transaction(async () => {
        await storage.lock('RefreshToken', id, { modelOfUser: 'Facts' })
        expect(await storage.records('RefreshToken').find(id)).toBeUndefined()
        expect(await storage.records('Grant').find(grantId)).toBeUndefined()
        expect(await storage.records('Client').find('app')).toBeUndefined()
      })
    })

    it('asks again for what the transaction has changed', async () => {
      const { id, grantId, token } = await createFamily()
      await storage.transaction(async () => {
        await storage.lock('RefreshToken', id)
        await storage.records('RefreshToken').consume(id)
        const consumed = Math.floor(backend.clock.now / 1000)
        expect(await storage.records('RefreshToken').find(id)).toEqual({ ...token, consumed })
        await storage.records('RefreshToken').upsert(id, { ...token, nonce: 'new' }, 60)
        expect((await storage.records('RefreshToken').find(id))?.nonce).toBe('new')
        await storage.records('Grant').revokeByGrantId(grantId)
        expect(await storage.records('RefreshToken').find(id)).toBeUndefined()
      })
    })

    it('writes records of one transaction by one statement, or none of them', async () => {
      const ids = [newId(), newId(), newId()]
      const putAll = async () => {
        for (const id of ids) await storage.records('Session').upsert(id, { jti: id }, 60)
      }
      const undone = storage.transaction(async () => {
        await putAll()
        throw new RangeError('undone')
      })
      await expect(undone).rejects.toThrow(RangeError)
      const found = () => Promise.all(ids.map((id) => storage.records('Session').find(id)))
      expect(await found()).toEqual([undefined, undefined, undefined])
      await storage.transaction(putAll)
      expect(statements).toEqual(['upsert_3'])
      expect((await found()).map((record) => record?.jti)).toEqual(ids)
    })

    it('keeps the order of what is written to one record, however often', async () => {
      const ids = Array.from({ length: 6 }, newId)
      await storage.transaction(async () => {
        for (const round of [1, 2]) {
          for (const id of ids) {
            await storage.records('AccessToken').upsert(id, { jti: id, accountId: USER, round }, 60)
          }
        }
      })
      for (const id of ids) {
        expect((await storage.records('AccessToken').find(id))?.round).toBe(2)
      }
    })
  })
})
