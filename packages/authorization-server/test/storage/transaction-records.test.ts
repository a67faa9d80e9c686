import { setTimeout as delay } from 'node:timers/promises'
import type { Database, Queryable } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStorage } from '../../src/storage/create-storage.js'
import type { Storage } from '../../src/storage/storage.js'
import {
  type Backend,
  engineSetups,
  failureOf,
  newId,
  openBackend,
  START_MILLISECONDS,
} from './support.js'

const SERIALIZATION_FAILURE = {
  name: 'test_serialization_failure',
  text: "DO $$ BEGIN RAISE EXCEPTION 'failure of a test' USING ERRCODE = '40001'; END $$",
}
const LOCK_USER = 'SELECT 1 FROM {schema}.user_profiles WHERE user_id = $1::uuid FOR UPDATE'
const USER = '7a4c1f5e-93aa-4d5f-9f0e-0c1d2e3f4a5b'

describe.each(engineSetups)('records in a transaction on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let storage: Storage
    const statements: string[] = []
    /** Name of the statement in whose place the database reports a serialization failure, once. */
    let fails = ''
    /** Name of the statement that is refused before it is sent, once. */
    let isUnsent = ''

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      const { codec, clock } = backend
      const database: Database = Object.create(backend.database, {
        transaction: {
          value: (run: (queryable: Queryable) => Promise<unknown>, options: object) =>
            backend.database.transaction((queryable) => {
              const query: Queryable['query'] = (statement, values) => {
                const name = statement.name.replace('mcp_auth_as_', '')
                statements.push(name)
                if (name === isUnsent) {
                  isUnsent = ''
                  return Promise.reject(new TypeError('not a value of a test'))
                }
                if (name === fails) {
                  fails = ''
                  return queryable.query(SERIALIZATION_FAILURE)
                }
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

    it('holds the user of what was locked, and knows it', async () => {
      const identity = { provider: 'google', issuer: 'https://idp.example', subject: 's' }
      const user = await storage.users.signIn({ ...identity, name: 'Ann' })
      const id = newId()
      const token = { jti: id, accountId: user.userId }
      await storage.records('RefreshToken').upsert(id, token, 60)
      statements.length = 0
      let suspension: Promise<unknown> = Promise.resolve()
      await storage.transaction(async () => {
        await storage.lock('RefreshToken', id)
        expect(await storage.users.hold(user.userId)).toEqual(user)
        expect(await storage.users.hold(user.userId.toUpperCase())).toEqual(user)
        expect(statements).toEqual(['lock'])
        expect(await storage.users.hold(USER)).toBeUndefined()
        expect(statements).toEqual(['lock', 'user_hold'])
        suspension = new Promise((resolve) => {
          // Apart from this transaction; an embedded database lets it begin after the end of this one.
          setImmediate(() => resolve(backend.sql(LOCK_USER, [user.userId])))
        })
        if (engine.kind !== 'pglite') {
          const won = await Promise.race([suspension, delay(300).then(() => 'nobody')])
          expect(won).toBe('nobody')
        }
      })
      await suspension
    })

    it('marks what it has locked as used together with what it writes next', async () => {
      const { id, token } = await createFamily()
      const next = newId()
      statements.length = 0
      await storage.transaction(async () => {
        await storage.lock('RefreshToken', id)
        await storage.records('RefreshToken').consume(id)
        await storage.records('RefreshToken').upsert(next, { ...token, jti: next }, 60)
      })
      expect(statements).toEqual(['lock', 'write_1_active_0_spent'])
      const consumed = Math.floor(backend.clock.now / 1000)
      expect(await storage.records('RefreshToken').find(id)).toEqual({ ...token, consumed })
      expect(await storage.records('RefreshToken').find(next)).toEqual({ ...token, jti: next })

      const again = storage.transaction(async () => {
        await storage.lock('RefreshToken', id)
        await storage.records('RefreshToken').consume(id)
      })
      expect(await failureOf(again)).toBe('AlreadyConsumedError')
      const twice = storage.transaction(async () => {
        await storage.lock('RefreshToken', next)
        await storage.records('RefreshToken').consume(next)
        await storage.records('RefreshToken').consume(next)
      })
      expect(await failureOf(twice)).toBe('AlreadyConsumedError')
      expect((await storage.records('RefreshToken').find(next))?.consumed).toBeUndefined()
      await storage.transaction(async () => {
        await storage.lock('RefreshToken', next)
        await storage.records('RefreshToken').consume(next)
      })
      expect((await storage.records('RefreshToken').find(next))?.consumed).toBe(consumed)
    })

    it('fails when what it writes last cannot be sent', async () => {
      const { id, token } = await createFamily()
      const next = newId()
      isUnsent = 'write_1_active_0_spent'
      const failed = storage.transaction(async () => {
        await storage.lock('RefreshToken', id)
        await storage.records('RefreshToken').consume(id)
        await storage.records('RefreshToken').upsert(next, { ...token, jti: next }, 60)
      })
      expect(await failureOf(failed)).toBe('TypeError')
      expect(await storage.records('RefreshToken').find(id)).toEqual(token)
      expect(await storage.records('RefreshToken').find(next)).toBeUndefined()
    })

    it('does not take as locked what it only knows', async () => {
      const { id, grantId } = await createFamily()
      await storage.transaction(async () => {
        await storage.lock('RefreshToken', id)
        statements.length = 0
        await storage.records('Grant').consume(grantId)
        expect(statements).toEqual(['consume'])
      })
    })

    it('runs what waits for its commit once, and never after a rollback', async () => {
      const told: string[] = []
      const write = async (name: string) => {
        const id = newId()
        await storage.records('Session').upsert(id, { jti: id }, 60)
        storage.afterCommit(() => told.push(name))
        expect(told).not.toContain(name)
      }
      // An embedded database has one session, whose transactions meet nobody.
      if (engine.kind !== 'pglite') fails = 'write_1'
      await storage.transaction(() => write('again'))
      expect([told, fails]).toEqual([['again'], ''])
      expect(statements.length).toBe(engine.kind === 'pglite' ? 1 : 2)
      const undone = storage.transaction(async () => {
        await storage.transaction(() => write('undone'))
        throw new RangeError('undone')
      })
      await expect(undone).rejects.toThrow(RangeError)
      storage.afterCommit(() => told.push('without a transaction'))
      expect(told).toEqual(['again', 'without a transaction'])
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
      expect(statements).toEqual(['write_3'])
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
