import type { CredentialAuditEvent } from '@bestviable/mcp-auth-middleware'
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

const ABSENT_VERSION = '01890a5d-ac96-774b-bcce-b302099a8057'

describe.each(engineSetups)('audit on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      await backend.database.ready()
    }, 60_000)
    afterAll(() => backend?.end())

    function events(namespace: string) {
      return backend.run(
        `SELECT event, outcome, reason, store, provider, owner_kind, version, details,
          encode(key_digest, 'hex') AS digest
        FROM {schema}.audit_events WHERE namespace = $1 ORDER BY id`,
        [namespace],
      )
    }

    it('writes one row for every write and delete, with the change itself', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace, auditReads: 'off' })
      const key = userKey('ann')
      const digest = digestBytes(digestKey(key)).toString('hex')
      const base = { store: 'postgres', provider: 'coda', owner_kind: 'user', digest }
      const done = { ...base, outcome: 'done', reason: null, details: null }
      const conflict = {
        ...base,
        outcome: 'failed',
        reason: 'ERR_STORE_CONFLICT',
        version: null,
        details: null,
      }

      const first = await store.set(key, apiKey('canary'))
      await codeOf(store.set(key, apiKey('canary'), { ifAbsent: true }))
      await codeOf(store.set(key, apiKey('canary'), { ifVersion: ABSENT_VERSION }))
      await codeOf(store.set(key, apiKey('canary'), { ifVersion: 'no uuid' }))
      await codeOf(store.delete(key, { ifVersion: ABSENT_VERSION }))
      await store.delete(key, { ifVersion: first.version })
      await store.delete(key)
      await store.delete(key, { tombstone: true })
      const second = await store.set(key, apiKey('canary'))
      await store.delete(key, { tombstone: true })

      const tombstone = { ...base, reason: null, details: { tombstone: true } }
      expect(await events(namespace)).toEqual([
        { ...done, event: 'credential.write', version: first.version },
        { ...conflict, event: 'credential.write' },
        { ...conflict, event: 'credential.write' },
        { ...conflict, event: 'credential.write' },
        { ...conflict, event: 'credential.delete' },
        { ...done, event: 'credential.delete', version: first.version },
        { ...done, event: 'credential.delete', outcome: 'absent', version: null },
        { ...tombstone, event: 'credential.delete', outcome: 'absent', version: null },
        { ...done, event: 'credential.write', version: second.version },
        { ...tombstone, event: 'credential.delete', outcome: 'done', version: second.version },
      ])
    })

    it('makes no write without its row', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace, auditReads: 'off' })
      await store.set(serviceKey(), apiKey('canary-kept'))
      await backend.run('ALTER TABLE {schema}.audit_events RENAME TO audit_events_gone')
      try {
        expect(await codeOf(store.set(serviceKey(), apiKey('canary-new')))).toBe(
          'ERR_STORE_UNAVAILABLE',
        )
        expect(await codeOf(store.delete(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
        expect((await store.get(serviceKey()))?.secret).toBe('canary-kept')
      } finally {
        await backend.run('ALTER TABLE {schema}.audit_events_gone RENAME TO audit_events')
      }
    })

    it('writes the first read of a key per minute, and writes it before it closes', async () => {
      const namespace = uniqueNamespace()
      let time = Date.now()
      const store = openStore(backend, { namespace, now: () => time })
      await store.set(serviceKey(), apiKey('canary'))
      for (let read = 0; read < 5; read++) await store.get(serviceKey())
      await store.get(userKey('nobody'))
      time += 61_000
      await store.get(serviceKey())
      await store.close()
      const reads = (await events(namespace)).filter(({ event }) => event === 'credential.read')
      expect(reads.map(({ outcome, owner_kind: kind }) => [outcome, kind]).sort()).toEqual([
        ['absent', 'user'],
        ['done', 'service'],
        ['done', 'service'],
      ])
    })

    it.each([
      ['all', 5],
      ['off', 0],
    ] as const)('writes %s reads when asked to: %i of 5', async (auditReads, rows) => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace, auditReads })
      for (let read = 0; read < 5; read++) await store.get(serviceKey())
      await store.close()
      expect(await events(namespace)).toHaveLength(rows)
    })

    it('writes a damaged read with its reason', async () => {
      const namespace = uniqueNamespace()
      const store = openStore(backend, { namespace })
      await store.set(serviceKey(), apiKey('canary'))
      await backend.run(`UPDATE {schema}.credentials SET payload = '\\x01' WHERE namespace = $1`, [
        namespace,
      ])
      await codeOf(store.get(serviceKey()))
      await store.close()
      expect((await events(namespace)).at(-1)).toMatchObject({
        event: 'credential.read',
        outcome: 'failed',
        reason: 'ERR_STORE_INTEGRITY',
      })
    })

    it('serves reads that cannot be audited, unless they are to be refused', async () => {
      const namespace = uniqueNamespace()
      const lenient = openStore(backend, { namespace })
      const strict = openStore(backend, { namespace, auditFailure: 'refuse' })
      await lenient.set(serviceKey(), apiKey('canary'))
      await backend.run('ALTER TABLE {schema}.audit_events RENAME TO audit_events_gone')
      try {
        expect((await lenient.get(serviceKey()))?.secret).toBe('canary')
        expect(await codeOf(strict.get(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
        expect(await codeOf(strict.get(userKey('nobody')))).toBe('ERR_STORE_UNAVAILABLE')
      } finally {
        await backend.run('ALTER TABLE {schema}.audit_events_gone RENAME TO audit_events')
      }
      expect((await strict.get(serviceKey()))?.secret).toBe('canary')
      const reads = (await events(namespace)).filter(({ outcome }) => outcome === 'done')
      expect(reads.length).toBeGreaterThanOrEqual(1)
    })

    it('hands every access to the sink, never a value, and survives a sink that throws', async () => {
      const namespace = uniqueNamespace()
      const seen: CredentialAuditEvent[] = []
      const store = openStore(backend, {
        namespace,
        audit: {
          record(event) {
            seen.push(event)
            throw new Error('the sink is broken')
          },
        },
      })
      const { version } = await store.set(serviceKey(), apiKey('canary-secret'))
      await store.get(serviceKey())
      await store.get(userKey('ann'))
      await codeOf(store.set(serviceKey(), apiKey('canary-secret'), { ifAbsent: true }))
      await codeOf(store.set(serviceKey(), apiKey('')))
      await store.delete(serviceKey())
      await store.delete(serviceKey())
      expect(
        seen.map(({ operation, outcome, reason, version: each }) => [
          operation,
          outcome,
          reason,
          each,
        ]),
      ).toEqual([
        ['write', 'done', undefined, version],
        ['read', 'done', undefined, version],
        ['read', 'absent', undefined, undefined],
        ['write', 'failed', 'ERR_STORE_CONFLICT', undefined],
        ['write', 'failed', 'ERR_STORE_INVALID', undefined],
        ['delete', 'done', undefined, version],
        ['delete', 'absent', undefined, undefined],
      ])
      expect(seen.every((each) => each.namespace === namespace && each.store === 'postgres')).toBe(
        true,
      )
      expect(seen[0]?.keyDigest).toBe(digestKey(serviceKey()))
      expect(JSON.stringify(seen)).not.toContain('canary')
    })
  })
})
