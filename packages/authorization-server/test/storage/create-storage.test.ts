import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import { afterEach, describe, expect, it } from 'vitest'
import type { TestDatabase } from '../../../store-postgres/test/support/engines.js'
import { createStorage } from '../../src/storage/create-storage.js'
import type { SigningKey } from '../../src/storage/storage.js'
import { codecOf, engineSetups, failureOf, newId, START_MILLISECONDS, setups } from './support.js'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe('createStorage()', () => {
  it('refuses bad options, all at once', () => {
    const options = { database: {}, codec: null, now: 5, other: true }
    expect(() => createStorage(options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIGURATION',
        problems: ['database', 'codec', 'now', 'other'].map((path) =>
          expect.objectContaining({ path }),
        ),
      }),
    )
  })

  it('answers an unreachable database as an outage, and connects with the first call only', async () => {
    const database = createDatabase({ connectionString: 'postgresql://u:canary-pw@127.0.0.1:1/db' })
    ends.push(() => database.close())
    const storage = createStorage({ database, codec: codecOf(generateEncryptionKey()) })
    const codes = storage.records('AuthorizationCode')
    const calls = [
      () => codes.find('a'),
      () => codes.consume('a'),
      () => storage.transaction(async () => undefined),
      () => storage.check(),
      () => storage.users.find('7c0de5aa-0000-4000-8000-000000000001'),
      () => storage.revocations.read(),
    ]
    for (const call of calls) {
      const error: unknown = await call().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      expect(String(error)).not.toMatch(/canary|127\.0\.0\.1/)
    }
  })
})

describe.each(engineSetups)('createStorage() on $title', ({ engine, profile }) => {
  async function openHome(): Promise<TestDatabase> {
    const home = await engine.createDatabase()
    ends.push(() => home.drop())
    return home
  }

  it.skipIf(engine.skip)(
    'X09 writes nothing under a key that is not that of the database',
    async () => {
      const home = await openHome()
      const database = createDatabase({ ...home.options, ...profile.options })
      ends.push(() => database.close())
      await database.ready({ timeoutMilliseconds: START_MILLISECONDS })
      const storage = createStorage({ database, codec: codecOf(generateEncryptionKey()) })
      const id = newId()
      await storage.records('Session').upsert(id, { jti: id }, 60)
      const wrong = createStorage({ database, codec: codecOf(generateEncryptionKey()) })
      const other = newId()
      const write = wrong.records('Session').upsert(other, { jti: other }, 60)
      expect(await failureOf(write)).toBe('ERR_CONFIGURATION')
      expect(await failureOf(wrong.transaction(async () => undefined))).toBe('ERR_CONFIGURATION')
      expect(await failureOf(wrong.check())).toBe('ERR_CONFIGURATION')
      const count = { name: 'test_count', text: 'SELECT count(*) AS n FROM {schema}.oauth_tokens' }
      expect(await database.query(count)).toEqual([{ n: '1' }])
      await storage.check()
      await storage.close()
      await storage.close()
      expect(await failureOf(storage.check())).toBe('ERR_STORE_UNAVAILABLE')
      // The database belongs to whoever made it.
      expect(await database.query(count)).toEqual([{ n: '1' }])
    },
    START_MILLISECONDS,
  )
})

const servers = setups.filter(({ engine }) => engine.kind === 'postgres')

describe.each(servers)('replicas on $title', ({ engine, profile }) => {
  it.skipIf(engine.skip)(
    'start at once on an empty database and agree on one signing key',
    async () => {
      const home = await engine.createDatabase()
      ends.push(() => home.drop())
      const codec = codecOf(generateEncryptionKey())
      const keyOf = (kid: string): SigningKey => ({
        kid,
        algorithm: 'ES256',
        state: 'active',
        jwk: { kty: 'EC' },
        createdAt: 1_800_000_000,
        signsFrom: 1_800_000_000,
      })
      const replicas = Array.from({ length: 4 }, () => {
        const database = createDatabase({ ...home.options, ...profile.options })
        ends.push(() => database.close())
        return createStorage({ database, codec })
      })
      const results = await Promise.all(
        replicas.map(async (storage, index) => {
          const keys = await storage.signingKeys.update(async (all) =>
            all.length > 0 ? all : [keyOf(`k${index}`)],
          )
          await storage.check()
          return keys.map(({ kid }) => kid)
        }),
      )
      expect(results[0]).toHaveLength(1)
      for (const result of results) expect(result).toEqual(results[0])
    },
    START_MILLISECONDS,
  )
})
