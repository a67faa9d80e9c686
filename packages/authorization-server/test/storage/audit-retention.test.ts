import { randomBytes } from 'node:crypto'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStorage } from '../../src/storage/create-storage.js'
import type { AuditInput } from '../../src/storage/storage.js'
import { type Backend, openBackend, START_MILLISECONDS, serverSetups } from './support.js'

const DAY = 86_400_000
const event: AuditInput = { event: 'consent', outcome: 'done' }

describe.each(serverSetups)('retention of the audit trail on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    const stores = async () => {
      const rows = await backend.sql('SELECT store FROM {schema}.audit_events ORDER BY id')
      return rows.map(({ store }) => store)
    }

    it('removes events of all stores that are older than so many days, over a batch at once', async () => {
      const { storage, clock, sql } = backend
      await storage.audit(event)
      await sql(
        `INSERT INTO {schema}.audit_events (at, event, outcome, store)
         SELECT to_timestamp($1::float8), 'credential.read', 'done', 'postgres'
         FROM generate_series(1, 1500)`,
        [clock.now / 1000],
      )
      clock.now += 1000
      await storage.audit(event)
      clock.now += 30 * DAY - 1
      const periods = { unusedClientDays: 90, auditRetentionDays: 30 }
      expect((await storage.cleanUp({ ...periods, auditRetentionDays: false })).auditEvents).toBe(0)
      expect(await stores()).toHaveLength(1502)
      expect((await storage.cleanUp(periods)).auditEvents).toBe(1501)
      expect(await stores()).toEqual(['authorization-server'])
      clock.now += 2
      expect((await storage.cleanUp(periods)).auditEvents).toBe(1)
    })

    it.skipIf(engine.kind === 'pglite')('is left out where the role may not remove', async () => {
      const { storage, home, codec, clock, sql } = backend
      const role = `keeper_${randomBytes(6).toString('hex')}`
      await sql(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`)
      await sql(`GRANT USAGE ON SCHEMA {schema} TO ${role}`)
      await sql(`GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO ${role}`)
      await sql(`REVOKE DELETE ON {schema}.audit_events FROM ${role}`)
      const url = new URL(home.connectionString ?? '')
      url.username = role
      url.password = role
      const own = { connectionString: url.href, migrate: 'verify' } as const
      const database = createDatabase({ ...home.options, ...own })
      const limited = createStorage({ database, codec, now: () => clock.now })
      await storage.audit(event)
      const token = 'canary-expired-token'
      await storage.records('AccessToken').upsert(token, { jti: token }, 60)
      clock.now += 91 * DAY
      const counts = await limited.cleanUp({ unusedClientDays: 90, auditRetentionDays: 90 })
      expect(counts).toMatchObject({ tokens: 1, auditEvents: undefined })
      expect(await stores()).toHaveLength(1)
      await limited.close()
      await database.close()
      await sql(`DROP OWNED BY ${role}`)
      await sql(`DROP ROLE ${role}`)
    })
  })
})
