import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuditInput, Storage } from '../../src/storage/storage.js'
import { type Backend, openBackend, START_MILLISECONDS, serverSetups } from './support.js'

const DIGEST = Buffer.alloc(32, 7).toString('base64url')

describe.each(serverSetups)('the audit trail on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let storage: Storage

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      storage = backend.storage
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    const write = (subject: string, event: AuditInput['event'], details = {}) =>
      storage.audit({ event, outcome: 'done', actor: { issuer: 'https://as', subject }, details })

    it('lists the newest first, by actor and event, in pages', async () => {
      await write('ann', 'sign-in')
      await write('bob', 'sign-in')
      await write('ann', 'consent', { scope: 'a b' })
      const all = await storage.auditTrail.list()
      expect(all.map(({ event }) => event)).toEqual(['consent', 'sign-in', 'sign-in'])
      expect(all[0]).toMatchObject({
        outcome: 'done',
        actor: { issuer: 'https://as', subject: 'ann' },
        details: { scope: 'a b' },
      })
      expect(await storage.auditTrail.list({ subject: 'ann', event: 'sign-in' })).toHaveLength(1)
      const [, middle] = await storage.auditTrail.list({ before: all[0]?.id, limit: 2 })
      expect(middle).toEqual(all[2])
    })

    it('forgets a person: as the actor, in details and by the digests of credentials', async () => {
      await write('ann', 'sign-in', { provider: 'google', tries: 1 })
      await write('bob', 'user.suspend', { userId: 'ann', role: 'admin', mail: 'ann@x.test' })
      await write('ann-2', 'sign-in')
      await backend.sql(
        `INSERT INTO {schema}.audit_events (event, outcome, provider, key_digest)
          VALUES ('credential.read', 'done', 'coda', $1::bytea)`,
        [Buffer.from(DIGEST, 'base64url')],
      )
      const known = await storage.auditTrail.credentialNames('ann')
      expect(known).toEqual({ providers: ['coda'], issuers: ['https://as'] })
      const names = {
        actors: [{ issuer: 'https://as', subject: 'ann' }],
        texts: ['ann', 'ann@x.test'],
        keyDigests: [DIGEST],
      }
      // As the actor once, named in details once, by a digest once; the others are of other people.
      expect(await storage.auditTrail.forget(names, 'erased-1')).toBe(3)
      const rows = await backend.sql(
        'SELECT actor_subject, details::text AS details, key_digest FROM {schema}.audit_events ORDER BY id',
      )
      expect(rows.map((row) => row.actor_subject)).toEqual(['erased-1', 'bob', 'ann-2', null])
      expect(JSON.parse(String(rows[0]?.details))).toEqual({ provider: 'google', tries: 1 })
      expect(JSON.parse(String(rows[1]?.details))).toEqual({
        userId: 'erased-1',
        role: 'admin',
        mail: 'erased-1',
      })
      expect(rows[3]?.key_digest).toBeNull()
      expect(await storage.auditTrail.forget(names, 'erased-2')).toBe(0)
    })
  })
})
