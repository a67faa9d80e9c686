import type { Database } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStorage } from '../../src/storage/create-storage.js'
import type { Storage } from '../../src/storage/storage.js'
import {
  type Backend,
  failureOf,
  newId,
  openBackend,
  START_MILLISECONDS,
  serverSetups,
} from './support.js'

const APP = { client_id: 'app' }
const ASKER = { client_id: 'asker' }

describe.each(serverSetups)('a token with what belongs to it on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let storage: Storage
    const statements: string[] = []

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      const { codec, clock } = backend
      const query: Database['query'] = (statement, ...rest) => {
        statements.push(statement.name.replace('mcp_auth_as_', ''))
        return backend.database.query(statement, ...rest)
      }
      const database: Database = Object.create(backend.database, { query: { value: query } })
      storage = createStorage({ database, codec, now: () => clock.now })
      await storage.check()
    }, START_MILLISECONDS)
    beforeEach(async () => {
      await backend.empty()
    })
    afterAll(() => backend?.end())

    async function createFamily(model = 'AccessToken', seconds = 60) {
      const [id, grantId] = [newId(), newId()]
      await storage.records('Client').upsert('app', APP)
      await storage.records('Client').upsert('asker', ASKER)
      await storage.records('Grant').upsert(grantId, { jti: grantId, clientId: 'app' }, 60)
      await storage.records(model).upsert(id, { jti: id, grantId, clientId: 'app' }, seconds)
      statements.length = 0
      return { id, grantId }
    }

    const find = (model: string, id: string) => storage.records(model).find(id)
    const familyOf = (id: string) => ({ ids: [newId(), id], clientId: 'asker' })

    it.each(['AccessToken', 'ClientCredentials', 'RefreshToken'])(
      'knows %s, its grant and both clients by one statement',
      async (model) => {
        const { id, grantId } = await createFamily(model)
        await storage.withToken(familyOf(id), async () => {
          expect(await find(model, id)).toEqual({ jti: id, grantId, clientId: 'app' })
          expect(await find('Grant', grantId)).toEqual({ jti: grantId, clientId: 'app' })
          expect(await find('Client', 'app')).toEqual(APP)
          expect(await find('Client', 'asker')).toEqual(ASKER)
        })
        expect(statements).toEqual(['find_tokens'])
        expect(await find(model, id)).toBeDefined()
        expect(statements).toEqual(['find_tokens', 'find_token_id'])
      },
    )

    it('knows what is not there, and asks for what it was not asked about', async () => {
      const { id } = await createFamily()
      const [unknown, other] = [newId(), newId()]
      await storage.withToken({ ids: [unknown, id], clientId: 'nobody' }, async () => {
        for (const model of ['AccessToken', 'ClientCredentials', 'RefreshToken']) {
          expect(await find(model, unknown)).toBeUndefined()
        }
        expect(await find('RefreshToken', id)).toBeUndefined()
        expect(await find('Client', 'nobody')).toBeUndefined()
        expect(statements).toEqual(['find_tokens'])
        expect(await find('AccessToken', other)).toBeUndefined()
        expect(await find('Session', id)).toBeUndefined()
        expect(await find('Client', 'asker')).toEqual(ASKER)
      })
      expect(statements).toEqual(['find_tokens', 'find_token_id', 'find_token_id', 'client_load'])
    })

    it('finds nothing that has expired, nor a client that is not active', async () => {
      const { id, grantId } = await createFamily('AccessToken', 90)
      await storage.clients.setActive('app', false)
      backend.clock.now += 60_000
      await storage.withToken(familyOf(id), async () => {
        expect(await find('AccessToken', id)).toBeDefined()
        expect(await find('Grant', grantId)).toBeUndefined()
        expect(await find('Client', 'app')).toBeUndefined()
      })
      backend.clock.now += 30_000
      await storage.withToken(familyOf(id), async () => {
        expect(await find('AccessToken', id)).toBeUndefined()
      })
    })

    it('sees what was revoked before, and what it changes itself', async () => {
      const { id, grantId } = await createFamily()
      const family = familyOf(id)
      await storage.withToken(family, async () => {
        expect(await find('AccessToken', id)).toBeDefined()
        await storage.records('AccessToken').destroy(id)
        expect(await find('AccessToken', id)).toBeUndefined()
        await storage.records('AccessToken').upsert(id, { jti: id }, 60)
        expect(await find('AccessToken', id)).toEqual({ jti: id })
      })
      await storage.records('Grant').destroy(grantId)
      await storage.withToken(family, async () => {
        expect(await find('Grant', grantId)).toBeUndefined()
        await storage.transaction(() => storage.records('AccessToken').destroy(id))
        expect(await find('AccessToken', id)).toBeUndefined()
      })
    })

    it('only runs in a transaction, which knows what it reads itself', async () => {
      const { id } = await createFamily()
      const destroy = () => storage.records('AccessToken').destroy(id)
      await storage.transaction(() =>
        storage.withToken(familyOf(id), async () => {
          await destroy()
          expect(await find('AccessToken', id)).toBeUndefined()
        }),
      )
      expect(statements).toEqual([])
    })

    it('takes any text for a client, and fails when the database does', async () => {
      const { id } = await createFamily()
      for (const clientId of ['', 'a\0b', '\u{d800}', 'x'.repeat(3000)]) {
        await storage.withToken({ ids: [id], clientId }, async () => {
          expect(await find('Client', clientId)).toBeUndefined()
          expect(await find('AccessToken', id)).toBeDefined()
        })
      }
      const closed = createStorage({ database: backend.database, codec: backend.codec })
      await closed.close()
      const failed = failureOf(closed.withToken(familyOf(id), async () => undefined))
      expect(await failed).toBe('ERR_STORE_UNAVAILABLE')
    })
  })
})
