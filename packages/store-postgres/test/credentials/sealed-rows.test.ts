import type { CredentialKey } from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestBytes, digestKey } from '../../src/credentials/key-digest.js'
import {
  apiKey,
  type Backend,
  codeOf,
  engineSetups,
  openBackend,
  openStore,
  serviceKey,
  uniqueNamespace,
  userKey,
} from './support.js'

const SEALED = 'key_id, wrapped_key, payload'
const IDENTITY = 'provider, owner_kind, owner_issuer, owner_subject'
const ROW = 'namespace = $1 AND key_digest = $2'

describe.each(engineSetups)('rows on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      await backend.database.ready()
      // A backup can be restored without its constraints.
      await backend.run(
        'ALTER TABLE {schema}.credentials DROP CONSTRAINT credentials_tombstone_check',
      )
      await backend.run('ALTER TABLE {schema}.credentials DROP CONSTRAINT credentials_owner_check')
    }, 60_000)
    afterAll(() => backend?.end())

    function at(namespace: string, key: CredentialKey) {
      return [namespace, digestBytes(digestKey(key))] as const
    }

    /** Writes the columns of one row over those of another one. */
    function copy(
      columns: string,
      from: readonly [string, Uint8Array],
      to: readonly [string, Uint8Array],
    ) {
      return backend.run(
        `UPDATE {schema}.credentials SET (${columns}) =
          (SELECT ${columns} FROM {schema}.credentials WHERE namespace = $3 AND key_digest = $4)
        WHERE ${ROW}`,
        [...to, ...from],
      )
    }

    async function countRows(namespace: string): Promise<unknown> {
      const [row] = await backend.run(
        'SELECT count(*)::int AS rows FROM {schema}.credentials WHERE namespace = $1',
        [namespace],
      )
      return row?.rows
    }

    const swaps = [
      ['another name', userKey('n2'), userKey('n1')],
      ['another issuer', userKey('ann', 'https://b.example'), userKey('ann', 'https://a.example')],
      ['another provider', serviceKey('other'), serviceKey('coda')],
      ['the service', serviceKey(), userKey('ann')],
    ] as const

    it.each(swaps)('X02 does not open the row of %s', async (_, from, to) => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      await store.set(from, apiKey('canary-from'))
      await store.set(to, apiKey('canary-to'))
      // The ciphertext alone, with its version, and with everything that names the owner.
      for (const columns of [SEALED, `${SEALED}, version`, `${SEALED}, version, ${IDENTITY}`]) {
        await copy(columns, at(namespace, from), at(namespace, to))
        expect(await codeOf(store.get(to))).toBe('ERR_STORE_INTEGRITY')
        expect((await store.get(from))?.secret).toBe('canary-from')
      }
      await store.set(to, apiKey('canary-again'))
      expect((await store.get(to))?.secret).toBe('canary-again')
    })

    it('X02 does not open the row of another namespace', async () => {
      const [one, other] = [uniqueNamespace(), uniqueNamespace()]
      const [a, b] = [
        openStore(backend, { namespace: one }),
        openStore(backend, { namespace: other }),
      ]
      await b.set(serviceKey(), apiKey('canary-of-b'))
      await a.set(serviceKey(), apiKey('canary-of-a'))
      await copy(`${SEALED}, version`, at(other, serviceKey()), at(one, serviceKey()))
      expect(await codeOf(a.get(serviceKey()))).toBe('ERR_STORE_INTEGRITY')
    })

    it.each([
      ['provider', `provider = 'other'`],
      ['issuer', `owner_issuer = 'https://other.example'`],
      ['subject', `owner_subject = 'bob'`],
      ['kind of owner', `owner_kind = 'service', owner_issuer = NULL, owner_subject = NULL`],
      ['NULL as subject', 'owner_subject = NULL'],
    ])('X02 refuses a row with another %s in its columns', async (_, change) => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      await store.set(userKey('ann'), apiKey('canary-ann'))
      await backend.run(`UPDATE {schema}.credentials SET ${change} WHERE ${ROW}`, [
        ...at(namespace, userKey('ann')),
      ])
      expect(await codeOf(store.get(userKey('ann')))).toBe('ERR_STORE_INTEGRITY')
      // Listing neither invents a key nor passes the row by in silence.
      const listed: CredentialKey[] = []
      const list = async () => {
        for await (const key of store.keys()) listed.push(key)
      }
      expect(await codeOf(list())).toBe('ERR_STORE_INTEGRITY')
      expect(listed).toEqual([])
    })

    it('X02 lists every sound key before it tells of damaged ones', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      for (const name of ['a', 'b', 'c', 'd']) await store.set(userKey(name), apiKey('canary'))
      await backend.run(`UPDATE {schema}.credentials SET owner_subject = 'x' WHERE ${ROW}`, [
        ...at(namespace, userKey('b')),
      ])
      const listed: string[] = []
      const list = async () => {
        for await (const { owner } of store.keys()) {
          if (owner.kind === 'user') listed.push(owner.subject)
        }
      }
      await expect(list()).rejects.toThrow('the keys of 1 stored credentials are damaged')
      expect(listed.sort()).toEqual(['a', 'c', 'd'])
    })

    it.each([
      ['the payload', 'payload'],
      ['the payload and its data key', SEALED],
      ['the version', 'version'],
    ])('X05 detects an older copy of %s', async (_, columns) => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      await store.set(serviceKey(), apiKey('canary-old'))
      const backup = uniqueNamespace()
      await backend.run(
        `INSERT INTO {schema}.credentials
        SELECT $3, key_digest, ${IDENTITY}, version, ${SEALED}, updated_at
        FROM {schema}.credentials WHERE ${ROW}`,
        [...at(namespace, serviceKey()), backup],
      )
      await store.set(serviceKey(), apiKey('canary-new'))
      await copy(columns, at(backup, serviceKey()), at(namespace, serviceKey()))
      expect(await codeOf(store.get(serviceKey()))).toBe('ERR_STORE_INTEGRITY')
    })

    it('X05 does not detect a whole older row, as documented', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      await store.set(serviceKey(), apiKey('canary-old'))
      const rows = await backend.run(
        `SELECT version::text AS version, ${SEALED} FROM {schema}.credentials WHERE ${ROW}`,
        [...at(namespace, serviceKey())],
      )
      await store.set(serviceKey(), apiKey('canary-new'))
      const { version, key_id, wrapped_key, payload } = rows[0] ?? {}
      await backend.run(
        `UPDATE {schema}.credentials SET version = $3::uuid, key_id = $4, wrapped_key = $5, payload = $6
        WHERE ${ROW}`,
        [
          ...at(namespace, serviceKey()),
          String(version),
          key_id as Uint8Array,
          wrapped_key as Uint8Array,
          payload as Uint8Array,
        ],
      )
      expect((await store.get(serviceKey()))?.secret).toBe('canary-old')
    })

    it.each([
      ['NULL as payload', 'payload = NULL'],
      ['NULL as wrapped key', 'wrapped_key = NULL'],
      ['NULL as key id', 'key_id = NULL'],
      ['NULL as payload and wrapped key', 'payload = NULL, wrapped_key = NULL'],
      ['NULL as payload and key id', 'payload = NULL, key_id = NULL'],
      ['an empty payload', `payload = ''::bytea`],
      ['a payload of one byte', `payload = '\\x01'::bytea`],
      ['a payload of one zero byte', `payload = '\\x00'::bytea`],
      ['format and vector only', 'payload = substring(payload FROM 1 FOR 13)'],
      ['no ciphertext', 'payload = substring(payload FROM 1 FOR 29)'],
      [
        'a payload without its last byte',
        'payload = substring(payload FROM 1 FOR octet_length(payload) - 1)',
      ],
      [
        'a payload without its last block',
        'payload = substring(payload FROM 1 FOR octet_length(payload) - 64)',
      ],
      ['a payload with a byte more', `payload = payload || '\\x00'::bytea`],
      ['a payload with a block more', `payload = payload || decode(repeat('00', 64), 'hex')`],
      ['an empty wrapped key', `wrapped_key = ''::bytea`],
      ['a cut wrapped key', 'wrapped_key = substring(wrapped_key FROM 1 FOR 20)'],
      ['a wrapped key with a byte more', `wrapped_key = wrapped_key || '\\x00'::bytea`],
      [
        'bytes moved from one column to the other',
        'wrapped_key = wrapped_key || substring(payload FROM 1 FOR 1), payload = substring(payload FROM 2)',
      ],
      ['another version', `version = '01890a5d-ac96-774b-bcce-b302099a8057'`],
      ['a time that is none', `updated_at = 'infinity'`],
    ])('X07 %s is damage, not absence, and the row is kept', async (_, change) => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      const key = userKey('ann')
      await store.set(key, apiKey('canary-secret'))
      await backend.run(`UPDATE {schema}.credentials SET ${change} WHERE ${ROW}`, [
        ...at(namespace, key),
      ])
      expect(await codeOf(store.get(key))).toBe('ERR_STORE_INTEGRITY')
      expect(await codeOf(store.set(key, apiKey('canary-new'), { ifAbsent: true }))).toBe(
        'ERR_STORE_CONFLICT',
      )
      expect(await codeOf(store.get(key))).toBe('ERR_STORE_INTEGRITY')
      expect(await countRows(namespace)).toBe(1)
      const keys: CredentialKey[] = []
      for await (const each of store.keys()) keys.push(each)
      expect(keys).toEqual([key])
      // Whoever means it can still replace or remove it.
      await store.set(key, apiKey('canary-new'))
      expect((await store.get(key))?.secret).toBe('canary-new')
    })

    it('takes a row under a key that is not configured for unavailable, not for damage', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      await store.set(serviceKey(), apiKey('canary-secret'))
      await backend.run(
        `UPDATE {schema}.credentials SET key_id = '\\x0011223344556677' WHERE ${ROW}`,
        [...at(namespace, serviceKey())],
      )
      expect(await codeOf(store.get(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
      await expect(store.check()).rejects.toThrow('1 under 0011223344556677')
      expect(await codeOf(openStore(backend).check())).toBe('done')
    })

    it('reads a tombstone whose row is intact as absence', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      await store.set(serviceKey(), apiKey('canary-secret'))
      expect(await store.delete(serviceKey(), { tombstone: true })).toBe(true)
      expect(await store.get(serviceKey())).toBeUndefined()
      await backend.run(`UPDATE {schema}.credentials SET provider = 'other' WHERE ${ROW}`, [
        ...at(namespace, serviceKey()),
      ])
      expect(await codeOf(store.get(serviceKey()))).toBe('ERR_STORE_INTEGRITY')
      expect(await codeOf(store.tombstone(serviceKey()))).toBe('ERR_STORE_INTEGRITY')
    })
  })
})

describe.each(engineSetups.slice(0, 1))('every bit of a row on $title', ({ engine, profile }) => {
  it.skipIf(engine.skip)(
    'X06 never gives a value after one bit of wrapped key or payload was flipped',
    { timeout: 120_000 },
    async () => {
      const backend = await openBackend(engine, profile.options)
      try {
        const namespace = uniqueNamespace()
        const store = openStore(backend, { namespace, auditReads: 'off' })
        const key = serviceKey()
        await store.set(key, apiKey('canary-secret'))
        const where = [namespace, digestBytes(digestKey(key))] as const
        const [sizes = {}] = await backend.run(
          `SELECT octet_length(wrapped_key) AS wrapped_key, octet_length(payload) AS payload
          FROM {schema}.credentials WHERE ${ROW}`,
          where,
        )
        const codes = new Set<string>()
        for (const column of ['wrapped_key', 'payload'] as const) {
          const flip = {
            name: `test_flip_${column}`,
            text: `UPDATE {schema}.credentials
              SET ${column} = set_bit(${column}, $3::int, 1 - get_bit(${column}, $3::int)) WHERE ${ROW}`,
          }
          for (let bit = 0; bit < 8 * Number(sizes[column]); bit++) {
            await backend.database.query(flip, [...where, bit], { kind: 'write' })
            codes.add(await codeOf(store.get(key)))
            await backend.database.query(flip, [...where, bit], { kind: 'write' })
          }
        }
        expect([...codes]).toEqual(['ERR_STORE_INTEGRITY'])
        expect((await store.get(key))?.secret).toBe('canary-secret')
      } finally {
        await backend.end()
      }
    },
  )
})
