import { type CredentialAuditEvent, createCredentialAudit } from '@bestviable/mcp-auth-middleware'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AuditEntry, insertAuditEntries } from '../../src/audit/audit-entry.js'
import type { AuditRecord } from '../../src/audit/audit-records.js'
import { createAuditTrail } from '../../src/audit/audit-trail.js'
import { digestKey } from '../../src/credentials/key-digest.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, Queryable } from '../../src/database/database.js'
import { setups } from '../credentials/support.js'
import { emptyTables, sql, userKey } from '../keys/sealed-rows.js'
import type { TestDatabase } from '../support/engines.js'

// PGlite needs seconds to start, and far more on a busy machine.
const START_MILLISECONDS = 180_000

const NOON = Date.UTC(2026, 0, 1, 12)

function read(version: string, members: Partial<AuditEntry> = {}): AuditEntry {
  return { event: 'credential.read', outcome: 'done', version, ...members }
}

function versionsOf(records: readonly AuditRecord[]): (string | undefined)[] {
  return records.map(({ version }) => version)
}

async function collect(records: AsyncIterable<AuditRecord>): Promise<AuditRecord[]> {
  const collected: AuditRecord[] = []
  for await (const record of records) collected.push(record)
  return collected
}

describe.each(setups)('createAuditTrail() on $title', ({ engine, profile }) => {
  const { skip } = engine
  let home: TestDatabase
  let database: Database

  beforeAll(async () => {
    if (skip !== undefined) return
    home = await engine.createDatabase()
    database = createDatabase({ ...home.options, ...profile.options })
    await database.ready({ timeoutMilliseconds: START_MILLISECONDS })
  }, START_MILLISECONDS)

  beforeEach(async () => {
    if (skip === undefined) await emptyTables(database)
  })

  afterAll(async () => {
    if (skip !== undefined) return
    await database.close()
    await home.drop()
  })

  it.skipIf(skip)('gives every member back, and leaves out what does not apply', async () => {
    const keyDigest = digestKey(userKey('ann'))
    const full: AuditEntry = {
      event: 'credential.write',
      outcome: 'failed',
      reason: 'ERR_STORE_CONFLICT',
      store: 'postgres',
      namespace: 'default',
      provider: 'coda',
      owner: 'user',
      keyDigest,
      version: 'v1',
      actor: { issuer: 'https://issuer.example', subject: `ann'; --`, clientId: 'client' },
      details: { tombstone: true, count: 3, 'a "name"': 'text' },
      at: NOON + 0.25,
    }
    await insertAuditEntries(database, [full, { event: 'key.rotate', outcome: 'done' }])
    const [first, second] = await createAuditTrail(database).list()
    expect(first).toEqual({ ...full, id: first?.id, at: NOON })
    expect(Object.keys(second ?? {}).sort()).toEqual(['at', 'event', 'id', 'outcome'])
    expect(Math.abs((second?.at ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it.skipIf(skip)('filters by every member and pages in both directions', async () => {
    const ann = { issuer: 'https://one.example', subject: 'ann' }
    await insertAuditEntries(database, [
      read('1', { namespace: 'a', provider: 'coda', owner: 'user', actor: ann, at: NOON }),
      read('2', { namespace: 'a', provider: 'other', owner: 'service', at: NOON + 1000 }),
      read('3', {
        namespace: 'b',
        outcome: 'absent',
        at: NOON + 2000,
        actor: { ...ann, issuer: 'https://two.example' },
      }),
      read('4', { namespace: 'a', event: 'credential.write', at: NOON + 3000 }),
    ])
    const trail = createAuditTrail(database)
    const versions = async (filter: Parameters<typeof trail.list>[0]) =>
      versionsOf(await trail.list(filter))
    expect(await versions({})).toEqual(['1', '2', '3', '4'])
    expect(await versions({ event: 'credential.write' })).toEqual(['4'])
    expect(await versions({ provider: 'coda' })).toEqual(['1'])
    expect(await versions({ owner: 'service' })).toEqual(['2'])
    expect(await versions({ outcome: 'absent' })).toEqual(['3'])
    expect(await versions({ actor: 'ann' })).toEqual(['1', '3'])
    expect(await versions({ actor: ann })).toEqual(['1'])
    expect(await versions({ actor: `ann' OR '1'='1` })).toEqual([])
    expect(await versions({ since: NOON + 1000, until: NOON + 3000 })).toEqual(['2', '3'])
    expect(await versions({ provider: 'coda', outcome: 'absent' })).toEqual([])

    const one = await trail.list({ limit: 2 })
    expect(await versions({ limit: 2, after: one[1]?.id })).toEqual(['3', '4'])
    const newest = await trail.list({ limit: 3, newestFirst: true })
    expect(versionsOf(newest)).toEqual(['4', '3', '2'])
    expect(await versions({ newestFirst: true, after: newest[2]?.id })).toEqual(['1'])

    const ofA = createAuditTrail(database, { namespace: 'a' })
    expect(versionsOf(await ofA.list())).toEqual(['1', '2', '4'])
    expect(versionsOf(await collect(ofA.export({ owner: 'user' })))).toEqual(['1'])
  })

  it.skipIf(skip)(
    'adds events of no namespace to those of one where that is asked for',
    async () => {
      const old = NOON - 400 * 86_400_000
      await insertAuditEntries(database, [
        read('a', { namespace: 'a', at: old }),
        read('b', { namespace: 'b', at: old }),
        { ...read('none', { at: old }), event: 'sign-in' },
      ])
      const create = (withoutNamespace?: boolean) =>
        createAuditTrail(database, { namespace: 'a', withoutNamespace, now: () => NOON })
      expect(versionsOf(await create().list())).toEqual(['a'])
      const both = create(true)
      expect(versionsOf(await both.list({ newestFirst: true }))).toEqual(['none', 'a'])
      expect(versionsOf(await both.list({ event: 'sign-in' }))).toEqual(['none'])
      expect(versionsOf(await collect(both.export()))).toEqual(['a', 'none'])
      expect(await both.prune()).toBe(1)
      expect(versionsOf(await createAuditTrail(database).list())).toEqual(['b', 'none'])
    },
  )

  it.skipIf(skip)('exports more than a page, each event once', async () => {
    const entries = Array.from({ length: 1203 }, (_, index) => read(String(index)))
    await insertAuditEntries(database, entries)
    const exported = await collect(createAuditTrail(database).export())
    expect(versionsOf(exported)).toEqual(entries.map(({ version }) => version))
  })

  it.skipIf(skip)(
    'prunes what is older than the retention, in batches and by namespace',
    async () => {
      const day = 86_400_000
      const old = Array.from({ length: 1500 }, (_, index) =>
        read(`old-${index}`, { namespace: 'a', at: NOON - 90 * day - 1 - index }),
      )
      await insertAuditEntries(database, [
        ...old,
        read('other', { namespace: 'b', at: NOON - 400 * day }),
        read('kept', { namespace: 'a', at: NOON - 90 * day }),
      ])
      const now = () => NOON
      const trail = createAuditTrail(database)
      expect(await createAuditTrail(database, { namespace: 'a', now }).prune()).toBe(1500)
      expect(versionsOf(await trail.list())).toEqual(['other', 'kept'])
      expect(await createAuditTrail(database, { retentionDays: 401, now }).prune()).toBe(0)
      expect(await createAuditTrail(database, { now }).prune()).toBe(1)
      expect(await createAuditTrail(database, { now }).prune()).toBe(0)
      expect(versionsOf(await trail.list())).toEqual(['kept'])
    },
  )

  it.skipIf(skip)('prunes nothing that is young by the clock of the database', async () => {
    const day = 86_400_000
    const past = Date.now() - 90 * day
    await insertAuditEntries(database, [
      read('old', { at: past - 60_000 }),
      read('young', { at: past + 600_000 }),
    ])
    const ahead = { now: () => Date.now() + 3650 * day }
    const behind = { now: () => Date.now() - day }
    expect(await createAuditTrail(database, behind).prune()).toBe(0)
    expect(await createAuditTrail(database, ahead).prune()).toBe(1)
    expect(versionsOf(await createAuditTrail(database).list())).toEqual(['young'])
  })

  it.skipIf(skip)('takes the events of other stores through its sink', async () => {
    const now = () => NOON
    const trail = createAuditTrail(database, { now })
    const record = createCredentialAudit(trail.sink, { store: 'env', namespace: 'default', now })
    const actor = { issuer: 'https://issuer.example', subject: 'ann' }
    for (let index = 0; index < 3; index++) {
      await record(userKey('ann'), { operation: 'read', outcome: 'done', actor })
      await record(userKey('ann'), { operation: 'write', outcome: 'done', version: `v${index}` })
    }
    await trail.close()
    const records = await trail.list()
    expect(records.map(({ event }) => event).sort()).toEqual([
      'credential.read',
      ...Array(3).fill('credential.write'),
    ])
    expect(records[0]).toMatchObject({
      store: 'env',
      namespace: 'default',
      provider: 'coda',
      owner: 'user',
      keyDigest: digestKey(userKey('ann')),
      actor,
      at: NOON,
    })
  })

  it.skipIf(skip).each([
    ['all', 2],
    ['off', 0],
  ] as const)('samples the reads of its sink by %s', async (reads, expected) => {
    const trail = createAuditTrail(database, { reads })
    const event: CredentialAuditEvent = {
      operation: 'read',
      outcome: 'done',
      store: 'env',
      provider: 'coda',
      owner: 'service',
      keyDigest: digestKey(userKey('ann')),
      at: NOON,
    }
    await trail.sink.record(event)
    await trail.sink.record(event)
    await trail.close()
    expect(await trail.list()).toHaveLength(expected)
  })

  it.skipIf(skip)('follows from now on, by filter, until the signal aborts', async () => {
    await insertAuditEntries(database, [read('before')])
    const controller = new AbortController()
    const trail = createAuditTrail(database)
    const followed: (string | undefined)[] = []
    const end = (async () => {
      const options = { event: 'credential.read', signal: controller.signal }
      for await (const { version } of trail.follow(options)) {
        followed.push(version)
        if (followed.length === 2) controller.abort()
      }
    })()
    // Written again and again, since nobody is told when following begins.
    await vi.waitFor(
      async () => {
        await insertAuditEntries(database, [
          read(crypto.randomUUID()),
          read('other', { event: 'credential.write' }),
        ])
        expect(followed.length).toBeGreaterThanOrEqual(2)
      },
      { timeout: 10_000 },
    )
    await end
    expect(followed).not.toContain('before')
    expect(followed).not.toContain('other')
    expect(new Set(followed).size).toBe(2)
  })

  it.skipIf(skip || engine.kind === 'pglite')(
    'loses no event whose transaction commits after later ones, and repeats none',
    async () => {
      await insertAuditEntries(database, [read('start')])
      const [start] = await createAuditTrail(database).list()
      const controller = new AbortController()
      const followed: (string | undefined)[] = []
      const visible = new Map<string, () => void>()
      const seen = (version: string) =>
        new Promise<void>((resolve) => visible.set(version, resolve))
      const options = { after: start?.id, signal: controller.signal }
      const end = (async () => {
        for await (const { version = '' } of createAuditTrail(database).follow(options)) {
          followed.push(version)
          visible.get(version)?.()
        }
      })()

      const latePassed = seen('after-late')
      const lateSeen = seen('late')
      await database.transaction(
        async (transaction: Queryable) => {
          await insertAuditEntries(transaction, [read('late')])
          // Gets a higher id, and is visible first.
          await insertAuditEntries(database, [read('after-late')])
          await latePassed
        },
        { kind: 'write' },
      )
      await lateSeen

      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let index = 0; index < 50; index++) {
          await insertAuditEntries(database, [read(`${writer}-${index}`)])
        }
      })
      const allSeen = seen('last')
      await Promise.all(writers)
      await insertAuditEntries(database, [read('last')])
      await allSeen
      controller.abort()
      await end
      const stored = await sql(database, 'SELECT version FROM {schema}.audit_events')
      const expected = stored
        .map(({ version }) => String(version))
        .filter((each) => each !== 'start')
      expect(followed.slice().sort()).toEqual(expected.sort())
      expect(followed.slice(0, 2)).toEqual(['after-late', 'late'])
    },
  )

  it.skipIf(skip)('refuses malformed options', async () => {
    const trail = createAuditTrail(database)
    const bad = { retentionDays: 0, reads: 'some', day: 1 } as never
    expect(() => createAuditTrail(database, bad)).toThrow(/retentionDays[\s\S]*reads[\s\S]*day/)
    await expect(trail.list({ limit: 10_001, after: '-1' })).rejects.toThrow(/after[\s\S]*limit/)
    expect(() => trail.follow({ until: Number.NaN })).toThrow(/until/)
    expect(() => trail.export({ owner: 'nobody' as never })).toThrow(/owner/)
  })
})
