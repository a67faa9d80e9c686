import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { credentialContext, parseCredential } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { digestKey } from '../../src/credentials/key-digest.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database } from '../../src/database/database.js'
import { keyStatus } from '../../src/keys/key-status.js'
import { rotateKeys } from '../../src/keys/rewrap-records.js'
import type { RotationProgress } from '../../src/keys/rotation-options.js'
import { envelopeOf } from '../../src/keys/sealed-pages.js'
import { verifyRecords } from '../../src/keys/verify-records.js'
import { setups } from '../credentials/support.js'
import type { TestDatabase } from '../support/engines.js'
import { recordingDatabase } from './recording-database.js'
import {
  codecOf,
  createTestKey,
  emptyTables,
  putCredential,
  readCredentials,
  sql,
  userKey,
} from './sealed-rows.js'

// PGlite needs seconds to start, and far more on a busy machine.
const START_MILLISECONDS = 180_000

/** How many records are rotated while others write, and how many by two runs at once. */
const [BUSY_RECORDS, SHARED_RECORDS] = isLongForm ? [1000, 300] : [200, 120]

const [oldKey, newKey] = [createTestKey(), createTestKey()]
const before = codecOf(oldKey, newKey)
const after = codecOf(newKey, oldKey)

function subject(index: number): string {
  return `user-${String(index).padStart(5, '0')}`
}

describe.each(setups)('rotateKeys() on $title', ({ engine, profile }) => {
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

  async function fill(count: number, namespace = 'default'): Promise<void> {
    for (let index = 0; index < count; index++) {
      const secret = `canary-${index}`
      await putCredential(database, before, userKey(subject(index)), secret, namespace)
    }
  }

  /** Opens rows with one key only, as a replica does that was told to drop the old one. */
  async function readSecrets(
    indexes: readonly number[],
    codec = codecOf(newKey),
  ): Promise<readonly string[]> {
    const rows = await sql(
      database,
      `SELECT *, version::text AS version FROM {schema}.credentials
       WHERE namespace = 'default' AND owner_subject = ANY($1::text[])`,
      [indexes.map(subject)],
    )
    const bySubject = new Map(rows.map((row) => [row.owner_subject, row]))
    const opened = indexes.map(async (index) => {
      const row = bySubject.get(subject(index))
      if (row === undefined) throw new Error('absent')
      const version = String(row.version)
      const key = userKey(subject(index))
      const context = credentialContext({ store: 'postgres', namespace: 'default', key, version })
      return parseCredential(await codec.open(context, envelopeOf(row))).secret
    })
    return Promise.all(opened)
  }

  it.skipIf(skip)('changes key id and wrapped key of every record and nothing else', async () => {
    await fill(7)
    await sql(
      database,
      `UPDATE {schema}.credentials SET key_id = NULL, wrapped_key = NULL, payload = NULL
       WHERE owner_subject = $1`,
      [subject(6)],
    )
    const old = await readCredentials(database)
    const result = await rotateKeys(database, after, { batchSize: 3 })
    expect(result).toEqual({
      keyId: newKey.id,
      rewrapped: 6,
      alreadyCurrent: 0,
      skipped: 0,
      failed: [],
      remaining: 0,
    })
    const now = await readCredentials(database)
    expect(now).toHaveLength(7)
    for (const [index, row] of now.entries()) {
      const { key_id, wrapped_key, ...rest } = row
      expect(old[index]).toMatchObject(rest)
      const isTombstone = row.owner_subject === subject(6)
      expect(key_id).toBe(isTombstone ? null : newKey.id)
      if (!isTombstone) expect(wrapped_key).not.toBe(old[index]?.wrapped_key)
    }
    expect(await readSecrets([0])).toEqual(['canary-0'])
    const again = await rotateKeys(database, after)
    expect(again).toMatchObject({ rewrapped: 0, alreadyCurrent: 6, remaining: 0 })
    expect(await readCredentials(database)).toEqual(now)
  })

  it.skipIf(skip)('rotates one namespace and leaves the others', async () => {
    await fill(3, 'one')
    await fill(2, 'two')
    const result = await rotateKeys(database, after, { namespace: 'one' })
    expect(result).toMatchObject({ rewrapped: 3, remaining: 0 })
    const rows = await readCredentials(database)
    expect(rows.map(({ namespace, key_id }) => [namespace, key_id])).toEqual([
      ...Array(3).fill(['one', newKey.id]),
      ...Array(2).fill(['two', oldKey.id]),
    ])
  })

  it.skipIf(skip)(
    'X11 keeps every record readable, and what is written meanwhile',
    async () => {
      await fill(BUSY_RECORDS)
      const all = Array.from({ length: BUSY_RECORDS }, (_, index) => index)
      const watched = all.filter((index) => index % (BUSY_RECORDS / 10) === 0)
      const [batchSize, step] = [BUSY_RECORDS / 5, BUSY_RECORDS / 10 - 3]
      const written = new Map<number, string>()
      const expected = (index: number) => written.get(index) ?? `canary-${index}`
      let batches = 0
      const busy = recordingDatabase(database, {
        // Writers of both kinds of replica come between the SELECT and the UPDATE of every batch.
        async before({ name }) {
          if (!name.startsWith('mcp_auth_rewrap')) return
          batches++
          for (let index = batches; index < BUSY_RECORDS; index += step) {
            const codec = index % 2 === 0 ? before : after
            const secret = `canary-rewritten-${batches}-${index}`
            await putCredential(database, codec, userKey(subject(index)), secret)
            written.set(index, secret)
          }
          for (const codec of [before, after]) {
            expect(await readSecrets(watched, codec)).toEqual(watched.map(expected))
          }
        },
      })
      const first = await rotateKeys(busy, after, { batchSize })
      expect(batches).toBe(5)
      expect(first.failed).toEqual([])
      expect(first.skipped).toBeGreaterThan(0)
      // Replicas whose current key is still the old one wrote some; the second run finds them.
      const second = await rotateKeys(database, after, { batchSize })
      expect(second).toMatchObject({ skipped: 0, failed: [], remaining: 0 })
      expect(first.remaining).toBe(second.rewrapped)
      expect(await readSecrets(all)).toEqual(all.map(expected))
    },
    90_000,
  )

  it.skipIf(skip)('goes on after an abort where it stopped', async () => {
    await fill(50)
    const controller = new AbortController()
    const reason = new Error('stopped by a test')
    const seen: RotationProgress[] = []
    const run = rotateKeys(database, after, {
      batchSize: 10,
      signal: controller.signal,
      onProgress(progress) {
        seen.push(progress)
        if (progress.done === 20) controller.abort(reason)
      },
    })
    await expect(run).rejects.toBe(reason)
    expect(seen).toEqual([
      { done: 10, total: 50 },
      { done: 20, total: 50 },
    ])
    const rows = await readCredentials(database)
    expect(rows.filter(({ key_id }) => key_id === newKey.id)).toHaveLength(20)
    const result = await rotateKeys(database, after, { batchSize: 10 })
    expect(result).toMatchObject({ rewrapped: 30, alreadyCurrent: 20, remaining: 0 })
    expect(await verifyRecords(database, codecOf(newKey))).toEqual({ sound: 50, failed: [] })
  })

  it.skipIf(skip)('loses nothing when the UPDATE of a batch fails', async () => {
    await fill(20)
    let failures = 1
    const failing = recordingDatabase(database, {
      before({ name }) {
        if (name.startsWith('mcp_auth_rewrap') && failures-- === 0) {
          throw new StoreUnavailableError('away')
        }
      },
    })
    const run = rotateKeys(failing, after, { batchSize: 5 })
    await expect(run).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect((await verifyRecords(database, before)).sound).toBe(20)
    const result = await rotateKeys(database, after, { batchSize: 5 })
    expect(result).toMatchObject({ rewrapped: 15, alreadyCurrent: 5, remaining: 0 })
  })

  it.skipIf(skip)('lets two runs work at once', async () => {
    await fill(SHARED_RECORDS)
    const results = await Promise.all([
      rotateKeys(database, after, { batchSize: 25 }),
      rotateKeys(database, after, { batchSize: 40 }),
    ])
    expect(results.reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(SHARED_RECORDS)
    for (const { failed, remaining } of results) expect([failed, remaining]).toEqual([[], 0])
    expect(await verifyRecords(database, codecOf(newKey))).toEqual({
      sound: SHARED_RECORDS,
      failed: [],
    })
  })

  it.skipIf(skip)(
    'reports records that do not open, leaves them and rotates the rest',
    async () => {
      await fill(12)
      const foreign = createTestKey()
      await putCredential(database, codecOf(foreign), userKey(subject(3)), 'canary-foreign')
      const damage = (index: number, change: string) =>
        sql(database, `UPDATE {schema}.credentials SET ${change} WHERE owner_subject = $1`, [
          subject(index),
        ])
      await damage(4, 'payload = set_byte(payload, 40, get_byte(payload, 40) # 1)')
      await damage(5, 'wrapped_key = substring(wrapped_key FROM 1 FOR 12)')
      await damage(6, `version = '00000000-0000-7000-8000-000000000000'`)
      await damage(7, `owner_subject = 'somebody-else'`)
      await damage(8, `payload = ''`)
      const old = await readCredentials(database)
      const result = await rotateKeys(database, after, { batchSize: 5 })
      expect(result).toMatchObject({ rewrapped: 6, skipped: 0, remaining: 6 })
      const reasons = new Map(result.failed.map(({ keyDigest, reason }) => [keyDigest, reason]))
      expect(reasons).toEqual(
        new Map([
          [digestKey(userKey(subject(3))), 'unknown-key'],
          ...[4, 5, 6, 7, 8].map(
            (index) => [digestKey(userKey(subject(index))), 'damaged'] as const,
          ),
        ]),
      )
      expect(result.failed.find(({ reason }) => reason === 'unknown-key')?.keyId).toBe(foreign.id)
      expect(JSON.stringify(result)).not.toMatch(/canary|user-0/)
      const now = await readCredentials(database)
      expect(now.filter(({ key_id }) => key_id !== newKey.id)).toEqual(
        old.filter(({ digest }) =>
          [3, 4, 5, 6, 7, 8].some(
            (index) =>
              Buffer.from(digestKey(userKey(subject(index))), 'base64url').toString('hex') ===
              digest,
          ),
        ),
      )
      const verified = await verifyRecords(database, codecOf(newKey, oldKey))
      expect(verified.sound).toBe(6)
      expect(verified.failed.map(({ keyDigest }) => keyDigest).sort()).toEqual(
        result.failed.map(({ keyDigest }) => keyDigest).sort(),
      )
    },
  )

  it.skipIf(skip)('finds what opens and is no credential', async () => {
    await fill(2)
    const key = userKey(subject(1))
    const [row] = await sql(
      database,
      'SELECT version::text AS version FROM {schema}.credentials WHERE owner_subject = $1',
      [subject(1)],
    )
    const version = String(row?.version)
    const context = credentialContext({ store: 'postgres', namespace: 'default', key, version })
    const { wrappedKey, payload } = await before.seal(context, new TextEncoder().encode('{}'))
    await sql(
      database,
      'UPDATE {schema}.credentials SET wrapped_key = $2, payload = $3 WHERE owner_subject = $1',
      [subject(1), wrappedKey.bytes, payload],
    )
    const progress: RotationProgress[] = []
    const result = await verifyRecords(database, before, {
      batchSize: 1,
      onProgress: (each) => progress.push(each),
    })
    expect(result).toMatchObject({
      sound: 1,
      failed: [{ reason: 'damaged', table: 'credentials' }],
    })
    expect(progress.at(-1)).toEqual({ done: 2, total: 2 })
  })

  it.skipIf(skip)('runs one SELECT and one UPDATE per batch and holds one batch', async () => {
    await fill(120)
    await rotateKeys(database, before)
    await rotateKeys(database, after)
    await rotateKeys(database, before)
    const count = async (batchSize: number, codec: typeof after) => {
      const queries: string[] = []
      let largest = 0
      const counting = recordingDatabase(database, {
        after({ name, rows }) {
          queries.push(name)
          largest = Math.max(largest, rows.length)
        },
      })
      await rotateKeys(counting, codec, { batchSize })
      const of = (part: string) => queries.filter((name) => name.includes(part)).length
      return {
        pages: of('_page_credentials'),
        updates: of('_rewrap_'),
        all: queries.length,
        largest,
      }
    }
    const small = await count(10, after)
    expect(small).toMatchObject({ pages: 13, updates: 12, largest: 10 })
    const large = await count(50, before)
    expect(large).toMatchObject({ pages: 3, updates: 3, largest: 50 })
    // Beside the batches a run costs the same however many records there are.
    expect(small.all - small.pages - small.updates).toBe(large.all - large.pages - large.updates)
  })

  it.skipIf(skip)('records the run with its counts, also one that failed', async () => {
    await fill(5)
    await rotateKeys(database, after, { namespace: 'default' })
    const aborted = rotateKeys(database, after, { signal: AbortSignal.abort(new Error('enough')) })
    await expect(aborted).rejects.toThrow('enough')
    const events = await sql(
      database,
      `SELECT event, outcome, reason, namespace, details::text AS details
       FROM {schema}.audit_events ORDER BY id`,
    )
    expect(events).toMatchObject([
      { event: 'key.rotate', outcome: 'done', reason: null, namespace: 'default' },
      { event: 'key.rotate', outcome: 'failed', reason: 'aborted', namespace: null },
    ])
    expect(JSON.parse(String(events[0]?.details))).toEqual({
      keyId: newKey.id,
      rewrapped: 5,
      alreadyCurrent: 0,
      skipped: 0,
      failed: 0,
    })
  })

  it.skipIf(skip)('X09 refuses foreign keys before it writes', async () => {
    await fill(3)
    await rotateKeys(database, before)
    const old = await readCredentials(database)
    const run = rotateKeys(database, codecOf(createTestKey()))
    await expect(run).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    expect(await readCredentials(database)).toEqual(old)
  })

  it.skipIf(skip)('refuses malformed options, all at once', async () => {
    const options = { batchSize: 0, namespace: '', speed: 1 }
    const run = rotateKeys(database, after, options)
    await expect(run).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      problems: expect.arrayContaining([
        expect.objectContaining({ path: 'batchSize' }),
        expect.objectContaining({ path: 'namespace' }),
        expect.objectContaining({ path: 'speed' }),
      ]),
    })
  })

  it.skipIf(skip)('keyStatus() tells which key is needed and which can be dropped', async () => {
    const foreign = createTestKey()
    await fill(4)
    await rotateKeys(database, before)
    expect(await keyStatus(database, after)).toMatchObject([
      { keyId: newKey.id, records: 0, current: true, inRing: true, registeredAt: undefined },
      { keyId: oldKey.id, records: 4, current: false, inRing: true, safeToDrop: false },
    ])
    await rotateKeys(database, after)
    await putCredential(database, codecOf(foreign), userKey('zoe'), 'canary-foreign')
    const status = await keyStatus(database, after)
    expect(status.map(({ keyId, records, safeToDrop }) => [keyId, records, safeToDrop])).toEqual([
      [newKey.id, 4, false],
      [oldKey.id, 0, true],
      [foreign.id, 1, false],
    ])
    expect(status[2]).toMatchObject({ inRing: false, current: false, registeredAt: undefined })
    expect(status[1]?.registeredAt).toBeGreaterThan(1_700_000_000)
    // Without keys nobody knows which one is current.
    for (const each of await keyStatus(database)) {
      expect(each).toMatchObject({ current: undefined, inRing: undefined, safeToDrop: false })
    }
  })
})
