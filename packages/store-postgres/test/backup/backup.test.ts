import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { type BackupLine, formatLine } from '../../src/backup/backup-format.js'
import { backupTables } from '../../src/backup/backup-tables.js'
import { exportDatabase } from '../../src/backup/export-database.js'
import { type ImportResult, importDatabase } from '../../src/backup/import-database.js'
import { notificationChannel } from '../../src/credentials/notifications.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database } from '../../src/database/database.js'
import { createPgliteDatabase } from '../../src/pglite/pglite-database.js'
import { migrations } from '../../src/schema/migrations.js'
import { testEngines } from '../support/engines.js'
import { fillWithPglite } from '../support/prepared-folders.js'
import { chunks, collect, createContents, rowLines, sql } from './support.js'

const USERS = 1200
const CREDENTIALS = USERS + 2
const OPENING_MILLISECONDS = 180_000

const home = mkdtempSync(join(tmpdir(), 'mcp-auth-backup-'))
const dataDir = join(home, 'data')
const contents = createContents()
let schemas = 0
let source: Database
let backup: string[] = []

/** A schema of its own in the one PGlite of these tests, through its admin socket. */
async function emptySchema(): Promise<Database> {
  schemas += 1
  const schema = `schema_${schemas}`
  const database = createPgliteDatabase({ dataDir, schema, attach: true })
  await database.ready()
  return database
}

async function countRows(database: Database): Promise<number> {
  let count = 0
  for (const { name } of backupTables) {
    const [row] = await database.query(sql(`SELECT count(*) AS n FROM {schema}.${name}`))
    count += Number(row?.n)
  }
  return count
}

beforeAll(async () => {
  fillWithPglite(dataDir)
  source = createPgliteDatabase({ dataDir })
  await source.ready()
  await contents.fill(source, USERS)
  backup = await collect(exportDatabase(source))
}, OPENING_MILLISECONDS)

afterAll(async () => {
  await source.close()
  rmSync(home, { recursive: true, force: true })
})

describe('exportDatabase()', () => {
  it('writes a header, a line for each row, and a footer that counts them', () => {
    const [header, ...rest] = backup.map((line) => JSON.parse(line))
    const footer = rest.pop()
    expect(header).toMatchObject({
      format: 'mcp-auth-backup',
      version: 1,
      engine: 'pglite',
      schemaVersion: migrations.length,
      namespace: null,
    })
    const counts = { encryption_keys: 1, credentials: CREDENTIALS, audit_events: 3 }
    expect(footer).toMatchObject({ end: true, counts })
    expect(rest).toHaveLength(CREDENTIALS + 4)
    expect(new Set(rest.map(({ table }) => table))).toEqual(new Set(Object.keys(counts)))
    expect(new Set(rest.map(({ row }) => JSON.stringify(row))).size).toBe(CREDENTIALS + 4)
    const before = createHash('sha256').update(backup.slice(0, -1).join(''))
    expect(footer.sha256).toBe(before.digest('hex'))
  })

  it('breaks no line inside, for whatever program reads it', () => {
    for (const line of backup) expect(line).toMatch(/^[^\r\n\u2028\u2029]+\n$/)
  })

  it('X01 leaves everything sealed', () => {
    const text = backup.join('')
    expect(text).not.toContain('canary')
    expect(text).not.toContain(Buffer.from('canary').toString('base64').slice(0, 8))
  })

  it('exports one namespace, with the key checks that it needs', async () => {
    const progress: string[] = []
    const lines = await collect(
      exportDatabase(source, {
        namespace: 'two',
        onProgress: ({ table, rows }) => progress.push(`${table} ${rows}`),
      }),
    )
    expect(progress).toEqual(['encryption_keys 1', 'credentials 400', 'audit_events 1'])
    const rows = lines.slice(1, -1).map((line) => JSON.parse(line).row)
    expect(new Set(rows.map(({ namespace }) => namespace))).toEqual(new Set([undefined, 'two']))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ namespace: 'two' })
  })

  it('reads smaller batches of larger rows, and misses none', async () => {
    const database = await emptySchema()
    await database.query(
      sql(`INSERT INTO {schema}.credentials (namespace, key_digest, provider, owner_kind, version,
          key_id, wrapped_key, payload, updated_at)
        SELECT 'large', sha256(n::text::bytea), 'coda', 'service', gen_random_uuid(),
          '\\x0102030405060708', '\\x00', decode(repeat('ab', 16384), 'hex'), clock_timestamp()
        FROM generate_series(1, 1600) AS n`),
      [],
      { kind: 'maintenance' },
    )
    const progress: number[] = []
    const digests = new Set<string>()
    const lines = exportDatabase(database, { onProgress: ({ rows }) => progress.push(rows) })
    for await (const line of lines) {
      if (line.startsWith('{"table"')) digests.add(JSON.parse(line).row.key_digest)
    }
    expect(digests.size).toBe(1600)
    expect(progress[0]).toBe(1000)
    expect((progress[1] ?? 0) - 1000).toBeLessThan(500)
    expect(progress.at(-1)).toBe(1600)
    await database.close()
  }, 60_000)

  it('gives the database back when its reader stops early', async () => {
    for await (const line of exportDatabase(source)) {
      expect(line).toContain('mcp-auth-backup')
      break
    }
    expect(await source.query(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })

  it('ends with the reason of a signal', async () => {
    const controller = new AbortController()
    const reason = new Error('caller left')
    const reading = async () => {
      for await (const _ of exportDatabase(source, { signal: controller.signal })) {
        controller.abort(reason)
      }
    }
    await expect(reading()).rejects.toBe(reason)
    expect(await source.query(sql('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })

  it.each([
    ['an unknown option', { nameSpace: 'one' }],
    ['a namespace that no store has', { namespace: "one'" }],
  ])('refuses %s at once', (_, options) => {
    expect(() => exportDatabase(source, options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })
})

describe.each(testEngines().filter(({ kind }) => kind === 'postgres'))(
  'PGlite -> $name -> PGlite',
  (engine) => {
    it.skipIf(engine.skip)(
      'brings every row there and back, and every credential opens',
      async () => {
        const created = await engine.createDatabase()
        const postgres = createDatabase({ ...created.options, schema: 'moved' })
        try {
          const result = await importDatabase(postgres, chunks(...backup))
          expect(result.tables.credentials).toEqual({
            rows: CREDENTIALS,
            written: CREDENTIALS,
            existing: 0,
          })
          const secrets = await contents.openAll(postgres)
          expect(secrets).toHaveLength(CREDENTIALS - 1)
          expect(secrets).toContain('canary-service')
          expect(secrets).toEqual(await contents.openAll(source))

          const there = await collect(exportDatabase(postgres))
          expect(JSON.parse(there[0] ?? '')).toMatchObject({ engine: 'postgres' })
          expect(rowLines(there).sort()).toEqual(rowLines(backup).sort())

          const back = await emptySchema()
          await importDatabase(back, chunks(there.join('')))
          expect(rowLines(await collect(exportDatabase(back)))).toEqual(rowLines(backup))
          expect(await contents.openAll(back)).toEqual(secrets)
          await back.close()
        } finally {
          await postgres.close()
          await created.drop()
        }
      },
      OPENING_MILLISECONDS,
    )

    it.skipIf(engine.skip)(
      'exports one moment, whatever is written meanwhile',
      async () => {
        const created = await engine.createDatabase()
        const postgres = createDatabase(created.options)
        try {
          await importDatabase(postgres, chunks(...backup))
          const lines: string[] = []
          for await (const line of exportDatabase(postgres)) {
            lines.push(line)
            if (lines.length !== 1) continue
            await postgres.query(sql('DELETE FROM {schema}.audit_events'), [], { kind: 'write' })
            await contents.addCredential(
              postgres,
              'later',
              { provider: 'coda', owner: { kind: 'service' } },
              'canary-later',
            )
          }
          expect(lines.join('')).not.toContain('"later"')
          expect(rowLines(lines).sort()).toEqual(rowLines(backup).sort())
        } finally {
          await postgres.close()
          await created.drop()
        }
      },
      OPENING_MILLISECONDS,
    )
  },
)

describe('importDatabase()', () => {
  let target: Database
  let small: string[] = []

  beforeAll(async () => {
    const seeded = await emptySchema()
    await contents.fill(seeded, 3)
    small = await collect(exportDatabase(seeded))
    await seeded.close()
    target = await emptySchema()
  }, OPENING_MILLISECONDS)

  afterAll(() => target.close())

  async function refusal(...lines: readonly (string | Uint8Array)[]): Promise<unknown> {
    const error = await importDatabase(target, chunks(...lines)).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(await countRows(target)).toBe(0)
    return error
  }

  /** Lines with right checks and a footer that fits them. */
  function forge(...lines: readonly (BackupLine | string)[]): string[] {
    const texts = lines.map((line) => (typeof line === 'string' ? line : formatLine(line)))
    const sha256 = createHash('sha256').update(texts.join('')).digest('hex')
    return [...texts, formatLine({ end: true, counts: {}, sha256 })]
  }

  const headerLine = () => small[0] ?? ''
  const rowOf = (table: string): Record<string, string | null> => {
    const line = small.find((each) => each.includes(`"table":"${table}"`)) ?? ''
    return JSON.parse(line).row
  }

  it('refuses a backup with any byte changed, naming its line', async () => {
    const bytes = Buffer.from(small.join(''))
    const step = isLongForm ? 131 : 523
    for (let place = 3; place < bytes.length; place += step) {
      const changed = Buffer.from(bytes)
      changed[place] = (bytes[place] ?? 0) ^ (1 << (place % 7))
      const line = bytes.subarray(0, place).filter((byte) => byte === 0x0a).length + 1
      expect(await refusal(changed), `byte ${place}`).toMatchObject({
        code: 'ERR_STORE_INTEGRITY',
        message: expect.stringContaining(`backup line ${line}: `),
      })
    }
  }, 120_000)

  it('refuses a backup that was cut off, wherever', async () => {
    const text = small.join('')
    const damaged = { code: 'ERR_STORE_INTEGRITY' }
    expect(await refusal()).toMatchObject({
      message: expect.stringContaining('line 1: is missing'),
    })
    for (let count = 1; count < small.length; count += 1) {
      expect(await refusal(...small.slice(0, count))).toMatchObject({
        ...damaged,
        message: expect.stringContaining(`line ${count + 1}: is missing`),
      })
    }
    for (const end of [1, 100, text.length / 2, text.length - 1]) {
      expect(await refusal(text.slice(0, end))).toMatchObject({
        ...damaged,
        message: expect.stringMatching(/cut off/),
      })
    }
  })

  it('refuses lines that are missing, swapped, twice, or after the end', async () => {
    const [header = '', one = '', two = '', three = ''] = small
    const rest = small.slice(4)
    for (const lines of [
      [header, one, three, ...rest],
      [header, one, three, two, ...rest],
      [header, one, two, three, three, ...rest],
      [...small, one],
      [...small, ...small],
      [one, header, two, three, ...rest],
    ]) {
      expect(await refusal(...lines)).toMatchObject({
        code: 'ERR_STORE_INTEGRITY',
        message: expect.stringMatching(/^backup line \d+: /),
      })
    }
  })

  it('refuses another format version, a newer schema and an unknown table, by line', async () => {
    const { check: _, ...header } = JSON.parse(headerLine())
    const invalid = (line: number, reason: RegExp) => ({
      code: 'ERR_STORE_INVALID',
      message: expect.stringMatching(new RegExp(`^backup line ${line}: .*${reason.source}`)),
    })
    expect(await refusal(...forge({ ...header, version: 2 }))).toMatchObject(
      invalid(1, /format version/),
    )
    expect(await refusal(...forge({ ...header, schemaVersion: 999 }))).toMatchObject(
      invalid(1, /newer release/),
    )
    const unknown = { table: 'users; DROP TABLE x', row: {} }
    expect(await refusal(...forge(headerLine(), unknown))).toMatchObject(invalid(2, /table/))
    const inherited = { table: 'constructor', row: {} }
    expect(await refusal(...forge(headerLine(), inherited))).toMatchObject(invalid(2, /table/))
  })

  it.each([
    ['a column too many', { surprise: 'x' }],
    ['a digest of 31 bytes', { key_digest: Buffer.alloc(31).toString('base64') }],
    ['a digest in hex', { key_digest: 'ab'.repeat(32) }],
    ['a key id of 9 bytes', { key_id: Buffer.alloc(9).toString('base64') }],
    ['a version that is no UUID', { version: "1'" }],
    ['a time without a zone', { updated_at: '2026-01-02T03:04:05.000000' }],
    ['a month 13', { updated_at: '2026-13-02T03:04:05.000000Z' }],
    ['a NUL in a text', { owner_subject: 'a\u0000b' }],
    ['no namespace', { namespace: null }],
    ['an owner without a subject', { owner_kind: 'user', owner_issuer: 'x', owner_subject: null }],
    ['a subject of the service', { owner_kind: 'service', owner_issuer: null, owner_subject: 'x' }],
    ['an unknown owner', { owner_kind: 'group' }],
    ['half an envelope', { payload: null }],
  ])('refuses a credential with %s, by line and without its value', async (_, changes) => {
    const user = small.slice(1).find((line) => line.includes('"owner_kind":"user"')) ?? ''
    const row = { ...JSON.parse(user).row, ...changes }
    const error = await refusal(...forge(headerLine(), { table: 'credentials', row }))
    expect(error).toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
      message: expect.stringMatching(/^backup line 2: [a-z_ ]+; nothing was imported$/),
    })
  })

  it('refuses the same credential twice, and audit details that are not JSON', async () => {
    const credential = { table: 'credentials', row: rowOf('credentials') }
    expect(await refusal(...forge(headerLine(), credential, credential))).toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
      message: expect.stringContaining('line 3: is there twice'),
    })
    const event = { ...rowOf('audit_events'), details: '{' }
    expect(
      await refusal(...forge(headerLine(), { table: 'audit_events', row: event })),
    ).toMatchObject({ message: expect.stringContaining('line 2: column details') })
  })

  it('refuses a footer that counts other rows', async () => {
    const sha256 = createHash('sha256').update(small.slice(0, -1).join('')).digest('hex')
    const footer = formatLine({ end: true, counts: { credentials: 1 }, sha256 })
    expect(await refusal(...small.slice(0, -1), footer)).toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
    })
  })

  it('writes nothing when its source fails, or a signal ends it', async () => {
    const own = new Error('disk gone')
    async function* failing() {
      yield* small.slice(0, 3)
      throw own
    }
    await expect(importDatabase(target, failing())).rejects.toBe(own)
    const controller = new AbortController()
    async function* aborting() {
      yield* small.slice(0, 3)
      controller.abort(own)
      yield* small.slice(3)
    }
    await expect(importDatabase(target, aborting(), { signal: controller.signal })).rejects.toBe(
      own,
    )
    expect(await countRows(target)).toBe(0)
  })

  it('X38 counts and writes nothing in a dry run', async () => {
    const result = await importDatabase(target, chunks(...small), { dryRun: true })
    expect(result.tables).toMatchObject({
      encryption_keys: { rows: 1, written: 1, existing: 0 },
      credentials: { rows: 5, written: 5, existing: 0 },
      audit_events: { rows: 3, written: 3, existing: 0 },
    })
    expect(await countRows(target)).toBe(0)
  })

  it('takes the backup in chunks cut anywhere', async () => {
    const fresh = await emptySchema()
    const bytes = Buffer.from(small.join(''))
    const pieces: Uint8Array[] = []
    for (let start = 0; start < bytes.length; start += 7) {
      pieces.push(bytes.subarray(start, start + 7))
    }
    await importDatabase(fresh, chunks(...pieces))
    expect(rowLines(await collect(exportDatabase(fresh)))).toEqual(rowLines(small))
    await fresh.close()
  })

  describe('where credentials are already', () => {
    const PLACE = "namespace = 'one' AND provider = 'coda' AND owner_kind = 'service'"
    const OTHER = '00000000-0000-7000-8000-000000000000'
    let fresh: Database

    const change = () =>
      fresh.query(
        sql(`UPDATE {schema}.credentials SET version = '${OTHER}',
          changed_at = '2020-01-01T00:00:00Z' WHERE ${PLACE}`),
        [],
        { kind: 'write' },
      )
    const versions = async () =>
      (
        await fresh.query(
          sql(`SELECT version, changed_at FROM {schema}.credentials WHERE ${PLACE}`),
        )
      )[0]
    const counts = ({ tables }: ImportResult) => tables.credentials

    beforeAll(async () => {
      fresh = await emptySchema()
      await importDatabase(fresh, chunks(...small))
      await change()
    })

    afterAll(() => fresh.close())

    it('refuses by default, naming the first line', async () => {
      const error = await importDatabase(fresh, chunks(...small)).catch((reason: unknown) => reason)
      expect(error).toMatchObject({
        code: 'ERR_STORE_CONFLICT',
        message: expect.stringMatching(/^backup line 3: /),
      })
      expect(await versions()).toMatchObject({ version: OTHER })
      await expect(importDatabase(fresh, chunks(...small), { dryRun: true })).rejects.toMatchObject(
        { code: 'ERR_STORE_CONFLICT' },
      )
    })

    it('skips them, so that a run that was cut off can be repeated', async () => {
      await fresh.query(sql("DELETE FROM {schema}.credentials WHERE namespace = 'two'"), [], {
        kind: 'write',
      })
      const options = { onExisting: 'skip' } as const
      const dry = await importDatabase(fresh, chunks(...small), { ...options, dryRun: true })
      const result = await importDatabase(fresh, chunks(...small), options)
      expect(counts(result)).toEqual({ rows: 5, written: 1, existing: 4 })
      expect(counts(dry)).toEqual(counts(result))
      expect(await versions()).toMatchObject({ version: OTHER })
      expect(result.tables.audit_events).toEqual({ rows: 3, written: 0, existing: 3 })
      expect(result.tables.encryption_keys).toEqual({ rows: 1, written: 0, existing: 1 })
    })

    it('replaces them by those of the backup, and tells pollers', async () => {
      const result = await importDatabase(fresh, chunks(...small), { onExisting: 'replace' })
      expect(counts(result)).toEqual({ rows: 5, written: 5, existing: 5 })
      expect(rowLines(await collect(exportDatabase(fresh)))).toEqual(rowLines(small))
      const changedAt = (await versions())?.changed_at
      expect(changedAt instanceof Date && changedAt.getUTCFullYear() > 2020).toBe(true)
      expect(await contents.openAll(fresh)).toHaveLength(4)
    })
  })

  it('tells listening stores which namespaces may have changed', async () => {
    const heard: (string | undefined)[] = []
    const stop = await source.listen(notificationChannel(source), {
      onNotification: (payload) => heard.push(payload),
      onReset() {},
    })
    await importDatabase(source, chunks(...backup), { onExisting: 'skip' })
    expect(heard.sort()).toEqual(['one', 'two'])
    await stop()
  })

  it.each([
    ['an unknown option', { overwrite: true }],
    ['an unknown answer', { onExisting: 'merge' }],
  ])('refuses %s at once', async (_, options) => {
    await expect(importDatabase(target, chunks(), options as never)).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
    })
  })
})
