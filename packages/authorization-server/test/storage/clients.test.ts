import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RecordStore } from '../../src/storage/storage.js'
import {
  type Backend,
  engineSetups,
  failureOf,
  newId,
  openBackend,
  START_MILLISECONDS,
} from './support.js'

const DAY = 86_400_000
const PERIODS = { unusedClientDays: 90, auditRetentionDays: 90 } as const

describe.each(engineSetups)('clients on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let records: RecordStore

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      records = backend.storage.records('Client')
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    function metadataOf(clientId: string) {
      return {
        client_id: clientId,
        client_name: `Name of ${clientId}`,
        client_secret: 'canary-client-secret',
        redirect_uris: ['https://a.example/cb', 'http://127.0.0.1/cb'],
        grant_types: ['authorization_code', 'refresh_token'],
      }
    }

    it('gives the engine its metadata back, and operators what they may see', async () => {
      await records.upsert('c1', metadataOf('c1'))
      await records.upsert('c2', { ...metadataOf('c2'), ...{ origin: 'registered' } })
      expect(await records.find('c1')).toEqual(metadataOf('c1'))
      expect(await records.find('c2')).toEqual(metadataOf('c2'))
      expect(await records.find('c3')).toBeUndefined()
      for (const id of ['c\0', 'c\ud800', 'c'.repeat(2049)]) {
        expect(await records.find(id)).toBeUndefined()
        expect(await failureOf(records.upsert(id, metadataOf(id)))).toBe('ERR_STORE_INVALID')
      }
      const { clients } = backend.storage
      expect(await clients.find('c1')).toEqual({
        clientId: 'c1',
        clientName: 'Name of c1',
        redirectUris: metadataOf('c1').redirect_uris,
        grantTypes: metadataOf('c1').grant_types,
        tokenEndpointAuthMethod: 'client_secret_basic',
        origin: 'dynamic',
        active: true,
        createdAt: backend.clock.now / 1000,
      })
      expect((await clients.list()).map(({ origin }) => origin)).toEqual(['dynamic', 'registered'])
      expect((await clients.list({ after: 'c1', limit: 1 })).map((each) => each.clientId)).toEqual([
        'c2',
      ])
      expect(await clients.countDynamic()).toBe(1)
    })

    it('leaves a client switched off, and registered, when it registers again', async () => {
      const { clients } = backend.storage
      await records.upsert('c1', { ...metadataOf('c1'), ...{ origin: 'registered' } })
      expect(await clients.setActive('c1', false)).toBe(true)
      expect(await records.find('c1')).toBeUndefined()
      await records.upsert('c1', { ...metadataOf('c1'), client_name: 'Other' })
      expect(await records.find('c1')).toBeUndefined()
      expect(await clients.find('c1')).toMatchObject({
        clientName: 'Other',
        active: false,
        origin: 'registered',
      })
      expect(await clients.setActive('c1', true)).toBe(true)
      expect(await records.find('c1')).toMatchObject({ client_name: 'Other' })
      expect(await clients.setActive('c2', true)).toBe(false)
    })

    it('counts a use once a minute', async () => {
      const { clients } = backend.storage
      await records.upsert('c1', metadataOf('c1'))
      const start = backend.clock.now / 1000
      const seen = []
      for (const step of [0, 59_000, 1000, 30_000]) {
        backend.clock.now += step
        await clients.touch('c1')
        seen.push((await clients.find('c1'))?.lastUsedAt)
      }
      expect(seen).toEqual([start, start, start + 60, start + 60])
      await clients.touch('https://client.example/metadata.json')
    })

    it('lists clients by their document among the others while a grant names them', async () => {
      const { storage, clock } = backend
      const [named, plain, off] = ['n', 'p', 'o'].map((host) => `https://${host}.example/c.json`)
      const grant = async (clientId: string | undefined, clientName?: string, life = 60) => {
        const id = newId()
        await storage.records('Grant').upsert(id, { jti: id, clientId }, life)
        const kept = { grantId: id, facts: { clientName } }
        if (clientName !== undefined) await storage.records('ConsentFacts').upsert(id, kept, life)
      }
      const start = clock.now / 1000
      await records.upsert('dcr_Z', metadataOf('dcr_Z'))
      await records.upsert(off ?? '', { ...metadataOf(off ?? ''), ...{ origin: 'registered' } })
      for (const id of ['dcr_Z', off, 'gone', plain]) await grant(id)
      await grant(named, 'Old name')
      await grant(named, 'Ends soon', 10)
      clock.now += 20_000
      await grant(named, 'New name')
      await storage.records('RefreshToken').upsert(newId(), { clientId: named }, 60)

      const listed = await storage.clients.list()
      expect(
        listed.map(({ clientId, clientName, origin }) => [clientId, clientName, origin]),
      ).toEqual([
        ['dcr_Z', 'Name of dcr_Z', 'dynamic'],
        [named, 'New name', 'document'],
        [off, `Name of ${off}`, 'registered'],
        [plain, 'p.example', 'document'],
      ])
      const known = {
        clientId: named,
        clientName: 'New name',
        redirectUris: [],
        grantTypes: [],
        tokenEndpointAuthMethod: 'none',
        origin: 'document',
        active: true,
        createdAt: start,
        lastUsedAt: start + 20,
      }
      expect(listed[1]).toEqual(known)
      expect(listed[3]).not.toHaveProperty('lastUsedAt')
      expect(await storage.clients.findListed(named ?? '')).toEqual(known)
      expect(await storage.clients.findListed('dcr_Z')).toEqual(listed[0])
      expect(await storage.clients.findListed('gone')).toBeUndefined()
      // The engine asks for rows.
      expect(await storage.clients.find(named ?? '')).toBeUndefined()

      const paged = []
      for (let after: string | undefined; paged.length < 10; ) {
        const [client] = await storage.clients.list({ after, limit: 1 })
        if (client === undefined) break
        paged.push(client)
        after = client.clientId
      }
      expect(paged).toEqual(listed)
      clock.now += 60_000
      const left = (await storage.clients.list()).map(({ clientId }) => clientId)
      expect(left).toEqual(['dcr_Z', off])
    })

    it('removes a client with every grant and token of it', async () => {
      const { clients } = backend.storage
      const url = 'https://client.example/metadata.json'
      await records.upsert('c1', metadataOf('c1'))
      const ids = new Map<string, string>()
      for (const clientId of ['c1', url, 'c2']) {
        for (const model of ['Grant', 'RefreshToken']) {
          const id = newId()
          await backend.storage.records(model).upsert(id, { jti: id, clientId }, 60)
          ids.set(`${model} ${clientId}`, id)
        }
      }
      expect(await clients.remove('c1')).toBe(true)
      expect(await clients.remove('c1')).toBe(false)
      // A client by its metadata document has no row, only what it was granted.
      expect(await clients.remove(url)).toBe(true)
      const left = []
      for (const [name, id] of ids) {
        const [model = ''] = name.split(' ')
        if ((await backend.storage.records(model).find(id)) !== undefined) left.push(name)
      }
      expect(left).toEqual(['Grant c2', 'RefreshToken c2'])
      expect(await clients.find('c1')).toBeUndefined()
    })

    it('cleans up what has expired, and clients that nobody uses', async () => {
      const { storage, clock } = backend
      const grants = storage.records('Grant')
      for (const id of ['unused', 'used', 'granted', 'operator']) {
        const origin = id === 'operator' ? { origin: 'registered' } : {}
        await records.upsert(id, { ...metadataOf(id), ...origin })
      }
      const [grant, shortGrant] = [newId(), newId()]
      await grants.upsert(grant, { jti: grant, clientId: 'granted' }, 365 * 86_400)
      await grants.upsert(shortGrant, { jti: shortGrant, clientId: 'unused' }, 86_400)
      const forEver = newId()
      await storage.records('Session').upsert(forEver, { jti: forEver })
      await storage.revocations.add([
        { kind: 'grant', id: 'short', expiresAt: clock.now / 1000 + 86_400 },
        { kind: 'grant', id: 'long', expiresAt: clock.now / 1000 + 365 * 86_400 },
      ])
      clock.now += 60 * DAY
      await storage.clients.touch('used')
      clock.now += 30 * DAY - 1
      expect(await storage.cleanUp(PERIODS)).toEqual({
        tokens: 1,
        clients: 0,
        revocations: 1,
        auditEvents: 0,
      })
      clock.now += 2
      const counts = await storage.cleanUp(PERIODS)
      expect(counts).toEqual({ tokens: 0, clients: 1, revocations: 0, auditEvents: 0 })
      const left = (await storage.clients.list()).map(({ clientId }) => clientId)
      expect(left).toEqual(['granted', 'operator', 'used'])
      expect(await grants.find(grant)).toBeDefined()
      expect(await storage.records('Session').find(forEver)).toBeDefined()
      const never = storage.cleanUp({ ...PERIODS, unusedClientDays: 0 })
      expect(await failureOf(never)).toBe('ERR_STORE_INVALID')
    })

    // F08: a clock of one process that jumps ahead must not sign out everybody at all of them.
    it('cleans up nothing that is live by the clock of the database', async () => {
      const { storage, clock, sql } = backend
      const before = clock.now
      clock.now = Date.now()
      const [live, over] = [newId(), newId()]
      const tokens = storage.records('RefreshToken')
      await tokens.upsert(live, { jti: live, clientId: 'used' }, 30 * 86_400)
      await tokens.upsert(over, { jti: over, clientId: 'used' }, 60)
      await sql(
        `UPDATE {schema}.oauth_tokens SET expires_at = now() - interval '1 second'
         WHERE expires_at < now() + interval '10 minutes'`,
      )
      await records.upsert('used', metadataOf('used'))
      const grant = { kind: 'grant', id: 'live', expiresAt: clock.now / 1000 + 86_400 } as const
      await storage.revocations.add([grant])
      await storage.audit({ event: 'consent', outcome: 'done' })
      clock.now += 3650 * DAY
      const periods = { unusedClientDays: 90, auditRetentionDays: 90 }
      expect(await storage.cleanUp(periods)).toEqual({
        tokens: 1,
        clients: 0,
        revocations: 0,
        auditEvents: 0,
      })
      clock.now -= 3650 * DAY
      expect(await tokens.find(live)).toBeDefined()
      expect(await storage.clients.find('used')).toBeDefined()
      clock.now = before
    })

    it('cleans up more than one batch, also with two processes at once', async () => {
      await backend.sql(
        `INSERT INTO {schema}.oauth_tokens (token_type, token_id, expires_at, created_at, version,
           key_id, wrapped_key, payload)
         SELECT 'AccessToken', sha256(n::text::bytea), to_timestamp(n), now(), gen_random_uuid(),
           '\\x0102030405060708', '\\x', '\\x' FROM generate_series(1, 2500) AS n`,
      )
      const replica = backend.openReplica()
      const counts = await Promise.all(
        [backend.storage, replica].map((each) => each.cleanUp(PERIODS)),
      )
      expect(counts.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(2500)
      expect(await backend.sql('SELECT 1 FROM {schema}.oauth_tokens')).toEqual([])
    })
  })
})
