import { getActiveResourcesInfo } from 'node:process'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import {
  apiKey,
  type Backend,
  codeOf,
  engineSetups,
  listKeys,
  openBackend,
  openStore,
  serviceKey,
  setups,
  uniqueNamespace,
  userKey,
} from './support.js'

describe.each(engineSetups)('life of a store on $title', ({ engine }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    it('leaves a database open that was given to it', async () => {
      const [one, other] = [openStore(backend), openStore(backend)]
      await one.set(serviceKey(), apiKey('canary'))
      await Promise.all([one.close(), one.close()])
      expect(await codeOf(one.get(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
      expect(await codeOf(other.set(serviceKey(), apiKey('canary')))).toBe('done')
    })

    it('rejects every call after close, and ends a listing that is under way', async () => {
      const store = openStore(backend)
      await store.set(serviceKey(), apiKey('canary'))
      const lease = await store.lease(serviceKey(), 30)
      const iterator = store.keys()[Symbol.asyncIterator]()
      await iterator.next()
      await store.close()
      const calls = [
        store.get(serviceKey()),
        store.set(serviceKey(), apiKey('canary')),
        store.delete(serviceKey()),
        store.lease(serviceKey(), 30),
        store.tombstone(serviceKey()),
        store.check(),
        listKeys(store),
      ]
      for (const call of calls) expect(await codeOf(call)).toBe('ERR_STORE_UNAVAILABLE')
      expect(() => store.watch(() => {})).toThrow('closed')
      expect((await iterator.next()).done).toBe(true)
      await lease?.release()
    })

    it('reads with one statement and writes with one statement', async () => {
      const statements: string[] = []
      const { database } = backend
      const counting: typeof database = {
        ...database,
        query(statement, values, options) {
          statements.push(statement.name)
          return database.query(statement, values, options)
        },
      }
      const namespace = uniqueNamespace()
      const { encryptionKeys } = backend
      const store = openStore(
        { database: counting, encryptionKeys },
        { namespace, auditReads: 'off' },
      )
      await store.get(serviceKey())
      async function countOf(run: () => Promise<unknown>): Promise<number> {
        const before = statements.length
        await codeOf(run())
        return statements.length - before
      }
      const { version } = await store.set(serviceKey(), apiKey('canary'))
      const calls: readonly (() => Promise<unknown>)[] = [
        () => store.get(serviceKey()),
        () => store.get(userKey('absent')),
        () => store.set(serviceKey(), apiKey('canary')),
        () => store.set(serviceKey(), apiKey('canary'), { ifAbsent: true }),
        () => store.set(serviceKey(), apiKey('canary'), { ifVersion: version }),
        () => store.delete(serviceKey(), { ifVersion: version }),
        () => store.delete(serviceKey()),
        () => store.delete(serviceKey(), { tombstone: true }),
        () => store.tombstone(serviceKey()),
        () => store.lease(serviceKey(), 30),
      ]
      const counts: number[] = []
      for (const call of calls) counts.push(await countOf(call))
      expect(counts).toEqual(calls.map(() => 1))
      for (const name of statements) expect(name.length).toBeLessThanOrEqual(40)
    })

    it('measures leases by the clock of the database alone', async () => {
      const namespace = uniqueNamespace()
      // A process whose clock is a day ahead.
      const ahead = openStore(backend, { namespace, now: () => Date.now() + 86_400_000 })
      const store = openStore(backend, { namespace })
      const lease = await store.lease(serviceKey(), 30)
      expect(await ahead.lease(serviceKey(), 30)).toBeUndefined()
      const [row] = await backend.run(
        'SELECT extract(epoch FROM clock_timestamp())::float8 AS clock',
      )
      expect(Math.abs((lease?.expiresAt ?? 0) - Number(row?.clock) - 30)).toBeLessThan(5)
      await lease?.release()
      const next = await ahead.lease(serviceKey(), 30)
      expect(next).toBeDefined()
      await lease?.release()
      expect(await store.lease(serviceKey(), 30)).toBeUndefined()
    })

    it('prunes marks of deletes that are older than an hour', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      const insert = (age: string, count: number) =>
        backend.run(
          `INSERT INTO {schema}.credential_deletions (namespace, key_digest, deleted_at)
          SELECT $1, decode(md5(i::text), 'hex'), now() - interval '${age}' FROM generate_series(1, ${count}) AS i`,
          [namespace],
        )
      await insert('61 minutes', 150)
      await insert('59 minutes', 10)
      const count = async () => {
        const [row] = await backend.run(
          'SELECT count(*)::int AS rows FROM {schema}.credential_deletions WHERE namespace = $1',
          [namespace],
        )
        return row?.rows
      }
      for (const [name, left] of [
        ['a', 61],
        ['b', 12],
        ['c', 13],
      ] as const) {
        await store.set(userKey(name), apiKey('canary'))
        await store.delete(userKey(name))
        expect(await count()).toBe(left)
      }
    })

    it('checks nothing away: a check writes no record', async () => {
      const store = openStore(backend)
      await store.check()
      const before = await backend.run('SELECT count(*)::int AS rows FROM {schema}.credentials')
      await store.check()
      expect(await backend.run('SELECT count(*)::int AS rows FROM {schema}.credentials')).toEqual(
        before,
      )
    })

    it('tells of tables that are gone', async () => {
      const store = openStore(backend)
      await store.check()
      await backend.run('ALTER TABLE {schema}.credentials RENAME TO credentials_gone')
      try {
        await expect(store.check()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
        expect(await codeOf(store.get(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
      } finally {
        await backend.run('ALTER TABLE {schema}.credentials_gone RENAME TO credentials')
      }
      await store.check()
    })
  })
})

describe.each(setups)('a store with a database of its own on $title', ({ engine, profile }) => {
  it.skipIf(engine.skip)(
    'connects, serves, watches and closes all that it opened',
    { timeout: 60_000 },
    async () => {
      const test = await engine.createDatabase()
      const encryptionKeys = generateEncryptionKey()
      const before = getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length
      const store = postgresTokenStore({ ...test.options, ...profile.options, encryptionKeys })
      // What a server does at its start: an embedded database takes seconds to open.
      await store.check()
      const told: unknown[] = []
      store.watch((keyDigest) => told.push(keyDigest))
      await store.set(serviceKey(), apiKey('canary'))
      expect((await store.get(serviceKey()))?.secret).toBe('canary')
      await store.check()
      await store.close()
      await store.close()
      expect(await codeOf(store.database.query({ name: 'test_closed', text: 'SELECT 1' }))).toBe(
        'ERR_STORE_UNAVAILABLE',
      )
      expect(getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length).toBe(
        before,
      )

      const again = postgresTokenStore({ ...test.options, ...profile.options, encryptionKeys })
      await again.check()
      expect((await again.get(serviceKey()))?.secret).toBe('canary')
      await again.close()
      await test.drop()
    },
  )
})
