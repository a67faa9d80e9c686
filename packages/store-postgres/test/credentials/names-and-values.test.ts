import { type CredentialInput, isCredentialName } from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import {
  apiKey,
  type Backend,
  codeOf,
  listKeys,
  openBackend,
  openStore,
  serviceKey,
  setups,
  uniqueNamespace,
  userKey,
} from './support.js'

/** Keys that are listed: several pages of 500 by night, a full one and the next by day. */
const LISTED = isLongForm ? 1203 : 603

const HOSTILE = [
  `'; DROP TABLE x;--`,
  `'; DROP TABLE mcp_auth.credentials;--`,
  `"; DROP SCHEMA mcp_auth CASCADE;--`,
  '%',
  '_',
  '\\',
  '\\x00',
  '"',
  "''",
  '$1',
  '$$',
  '{schema}',
  '{namespace}',
  'NULL',
  '\u202e',
]

describe.each(setups)('names and values on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    async function describeSchema(): Promise<string> {
      const rows = await backend.run(
        `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
        WHERE table_schema = 'mcp_auth' ORDER BY table_name, column_name`,
      )
      return JSON.stringify(rows)
    }

    it('X16 takes hostile names for data and leaves the schema as it is', async () => {
      const before = await describeSchema()
      expect(before).toContain('credentials')
      const store = openStore(backend)
      const keys = HOSTILE.flatMap((name) => [userKey(name), userKey('ann', name)])
      for (const [index, key] of keys.entries()) await store.set(key, apiKey(`canary-${index}`))
      for (const [index, key] of keys.entries()) {
        expect((await store.get(key))?.secret).toBe(`canary-${index}`)
      }
      const listed = (await listKeys(store)).map((key) => JSON.stringify(key))
      expect(listed.sort()).toEqual(keys.map((key) => JSON.stringify(key)).sort())
      for (const key of keys) {
        const lease = await store.lease(key, 5)
        await lease?.release()
        expect(await store.delete(key, { tombstone: true })).toBe(true)
        expect(await store.tombstone(key)).toBeDefined()
      }
      expect(await listKeys(store)).toEqual([])
      expect(await describeSchema()).toBe(before)
    })

    it('X16 refuses names that no store takes before the database sees them', async () => {
      const store = openStore(backend)
      const providers = HOSTILE.filter((name) => !isCredentialName(name))
      const refused = [...providers.map((name) => serviceKey(name)), userKey('n'.repeat(10_240))]
      for (const key of refused) {
        for (const call of [
          () => store.get(key),
          () => store.set(key, apiKey('canary')),
          () => store.delete(key),
          () => store.lease(key, 5),
          () => store.tombstone(key),
        ]) {
          expect(await codeOf(call())).toBe('ERR_STORE_INVALID')
        }
      }
      for (const provider of [...HOSTILE, 'a\0', '\ud800']) {
        expect(await listKeys(store, { provider })).toEqual([])
      }
    })

    it.each([
      ['a text', 'no uuid'],
      ['an empty text', ''],
      ['SQL', `' OR true --`],
      ['NUL', 'a\0'],
      ['a lone surrogate', '\ud800'],
      ['100 KB', 'x'.repeat(100_000)],
    ])('X16 takes %s as a version for one that is not stored', async (_, ifVersion) => {
      const store = openStore(backend)
      const { version } = await store.set(serviceKey(), apiKey('canary'))
      expect(await codeOf(store.set(serviceKey(), apiKey('x'), { ifVersion }))).toBe(
        'ERR_STORE_CONFLICT',
      )
      expect(await codeOf(store.delete(serviceKey(), { ifVersion }))).toBe('ERR_STORE_CONFLICT')
      expect(await store.delete(userKey('absent'), { ifVersion })).toBe(false)
      // Opaque: the same number written otherwise is another text.
      const upper = version.toUpperCase()
      expect(await codeOf(store.delete(serviceKey(), { ifVersion: upper }))).toBe(
        'ERR_STORE_CONFLICT',
      )
      expect((await store.get(serviceKey()))?.version).toBe(version)
    })

    it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
      'X18 has nothing under %s until it is written',
      async (name) => {
        const store = openStore(backend)
        for (const key of [serviceKey(name), userKey(name), userKey('ann', name)]) {
          expect(await store.get(key)).toBeUndefined()
          expect(await store.tombstone(key)).toBeUndefined()
          expect(await store.delete(key)).toBe(false)
          await store.set(key, apiKey('canary'))
          expect((await store.get(key))?.secret).toBe('canary')
        }
      },
    )

    const values: readonly (readonly [string, CredentialInput])[] = [
      ['one byte', apiKey('x')],
      ['64 KiB', apiKey('k'.repeat(65_536))],
      ['64 KiB of 4-byte characters', apiKey('\u{1f511}'.repeat(16_384))],
      [
        'two secrets of 64 KiB',
        { kind: 'oauth2', secret: '"'.repeat(65_536), refreshToken: '\\'.repeat(65_536) },
      ],
      ['a newline', apiKey('first\nsecond\r\n')],
      ['quotes', apiKey(`"'\`\\`)],
      ['emoji', apiKey('\u{1f511}\u{1f469}\u200d\u{1f680}')],
      ['control characters', apiKey('\u0001\u001f\u007f')],
      ['bytes like an escape', apiKey('\\x00ff')],
    ]
    it.each(values)('X22 gives %s back as it was', async (_, input) => {
      const store = openStore(backend)
      await store.set(serviceKey(), input)
      const found = await store.get(serviceKey())
      expect(found?.secret === input.secret && found.refreshToken === input.refreshToken).toBe(true)
    })

    it.each([
      ['empty', apiKey('')],
      ['64 KiB and a byte', apiKey('k'.repeat(65_537))],
      ['NUL', apiKey('a\0b')],
      ['a lone surrogate', apiKey('\ud800')],
    ])('X22 refuses %s and keeps what was stored', async (_, input) => {
      const store = openStore(backend)
      await store.set(serviceKey(), apiKey('canary-kept'))
      expect(await codeOf(store.set(serviceKey(), input))).toBe('ERR_STORE_INVALID')
      expect((await store.get(serviceKey()))?.secret).toBe('canary-kept')
    })

    it('keeps stores of two namespaces apart in everything', async () => {
      const [one, other] = [openStore(backend), openStore(backend)]
      const { version } = await one.set(serviceKey(), apiKey('canary-one'))
      await one.delete(userKey('gone'), { tombstone: true })
      const lease = await one.lease(serviceKey(), 30)
      expect(lease).toBeDefined()

      expect(await other.get(serviceKey())).toBeUndefined()
      expect(await listKeys(other)).toEqual([])
      expect(await other.tombstone(userKey('gone'))).toBeUndefined()
      for await (const key of other.tombstones()) expect.unreachable(JSON.stringify(key))
      expect(await codeOf(other.set(serviceKey(), apiKey('x'), { ifVersion: version }))).toBe(
        'ERR_STORE_CONFLICT',
      )
      expect(await other.delete(serviceKey(), { ifVersion: version })).toBe(false)
      const second = await other.lease(serviceKey(), 30)
      expect(second).toBeDefined()
      await second?.release()
      expect(await one.lease(serviceKey(), 30)).toBeUndefined()
      expect((await one.get(serviceKey()))?.secret).toBe('canary-one')
    })

    it('lists keys of several pages exactly once while others come and go', {
      timeout: 60_000,
    }, async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      const first = await store.set(userKey('u0'), apiKey('canary'))
      const name = (index: number) => `u${index}`
      const keep = new Set(Array.from({ length: LISTED }, (_, index) => name(index)))
      const lanes = Array.from({ length: 4 }, async (_, lane) => {
        for (let index = lane; index < LISTED; index += 4) {
          await store.set(userKey(name(index)), apiKey('canary'))
        }
      })
      await Promise.all(lanes)
      expect(first.version).not.toBe('')

      const listed: string[] = []
      let turn = 0
      for await (const { owner } of store.keys()) {
        if (owner.kind === 'user') listed.push(owner.subject)
        // Rewritten, added and removed keys move no page.
        if (turn++ % 200 === 0) {
          await store.set(userKey(name(turn % LISTED)), apiKey('canary-again'))
          await store.set(userKey(`new${turn}`), apiKey('canary'))
          await store.delete(userKey(`new${turn - 200}`))
        }
      }
      const kept = listed.filter((each) => keep.has(each))
      expect(kept).toHaveLength(LISTED)
      expect(new Set(listed).size).toBe(listed.length)
      expect(await listKeys(store, { provider: 'other' })).toEqual([])
    })
  })
})
