import { type CredentialAuditDetails, StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createReadAudit, type ReadAuditOptions } from '../../src/audit/read-audit.js'
import type { Queryable } from '../../src/database/database.js'
import { userKey } from '../keys/sealed-rows.js'

type Row = Readonly<Record<string, unknown>>

/** Takes inserts as the database does; `fail` makes it reject, `hold` makes it wait. */
function createFakeDatabase() {
  const batches: Row[][] = []
  const state = { fail: false, hold: undefined as Promise<void> | undefined, attempts: 0 }
  const database: Queryable = {
    async query(_statement, values = []) {
      state.attempts++
      await state.hold
      if (state.fail) throw new StoreUnavailableError('away')
      batches.push(JSON.parse(String(values[0])))
      return []
    },
  }
  return { database, state, batches, rows: () => batches.flat() }
}

const done: CredentialAuditDetails = { operation: 'read', outcome: 'done', version: 'v1' }
const ann = { issuer: 'https://issuer.example', subject: 'ann', clientId: 'client-a' }

function setUp(options: Partial<ReadAuditOptions> = {}) {
  const fake = createFakeDatabase()
  const clock = { now: 1_800_000_000_000 }
  const audit = createReadAudit(fake.database, {
    namespace: 'default',
    now: () => clock.now,
    ...options,
  })
  return { ...fake, clock, audit }
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('createReadAudit()', () => {
  it('writes the first read per minute of one actor and key', async () => {
    const { audit, clock, rows } = setUp()
    for (const seconds of [0, 1, 58, 59.999]) {
      clock.now = 1_800_000_000_000 + seconds * 1000
      await audit.record(userKey('ann'), done)
    }
    clock.now = 1_800_000_060_000
    await audit.record(userKey('ann'), done)
    await audit.close()
    expect(rows().map(({ at }) => at)).toEqual([1_800_000_000_000, 1_800_000_060_000])
    expect(rows()[0]).toMatchObject({
      event: 'credential.read',
      outcome: 'done',
      store: 'postgres',
      namespace: 'default',
      provider: 'coda',
      owner_kind: 'user',
      version: 'v1',
    })
    expect(JSON.stringify(rows())).not.toContain('ann')
  })

  it('counts another key, actor, client or outcome for itself', async () => {
    const { audit, rows } = setUp()
    const failed: CredentialAuditDetails = {
      operation: 'read',
      outcome: 'failed',
      reason: 'ERR_STORE_INTEGRITY',
    }
    const reads: [string, CredentialAuditDetails][] = [
      ['ann', done],
      ['bob', done],
      ['ann', { ...done, actor: ann }],
      ['ann', { ...done, actor: { ...ann, subject: 'bob' } }],
      ['ann', { ...done, actor: { ...ann, clientId: 'client-b' } }],
      ['ann', failed],
      ['ann', { operation: 'read', outcome: 'absent' }],
    ]
    for (const [subject, details] of [...reads, ...reads]) {
      await audit.record(userKey(subject), details)
    }
    await audit.close()
    expect(rows()).toHaveLength(reads.length)
    expect(rows()[2]).toMatchObject({
      actor_issuer: ann.issuer,
      actor_subject: 'ann',
      actor_client_id: 'client-a',
    })
    expect(rows()[5]).toMatchObject({ outcome: 'failed', reason: 'ERR_STORE_INTEGRITY' })
  })

  it('starts a new minute when the clock is set back', async () => {
    const { audit, clock, rows } = setUp()
    await audit.record(userKey('ann'), done)
    clock.now -= 1
    await audit.record(userKey('ann'), done)
    await audit.record(userKey('ann'), done)
    await audit.close()
    expect(rows()).toHaveLength(2)
  })

  it('remembers 10,000 readers, and writes rather too often than too rarely', async () => {
    const { audit, rows } = setUp()
    for (let index = 0; index <= 10_000; index++) await audit.record(userKey(`u${index}`), done)
    await audit.record(userKey('u10000'), done)
    await audit.record(userKey('u1'), done)
    // Forgotten for the 10,001st.
    await audit.record(userKey('u0'), done)
    await audit.close()
    expect(rows()).toHaveLength(10_002)
  })

  it.each([
    ['all', 3],
    ['off', 0],
  ] as const)('writes by mode %s', async (mode, expected) => {
    const { audit, rows } = setUp({ mode })
    for (let index = 0; index < 3; index++) await audit.record(userKey('ann'), done)
    await audit.close()
    expect(rows()).toHaveLength(expected)
  })

  it('waits 250 ms for more, or for a hundred events', async () => {
    vi.useFakeTimers()
    const { audit, batches } = setUp({ mode: 'all' })
    for (let index = 0; index < 99; index++) await audit.record(userKey('ann'), done)
    await vi.advanceTimersByTimeAsync(249)
    expect(batches).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(batches.map(({ length }) => length)).toEqual([99])
    for (let index = 0; index < 101; index++) await audit.record(userKey('ann'), done)
    await vi.advanceTimersByTimeAsync(0)
    expect(batches.map(({ length }) => length)).toEqual([99, 100])
    await vi.advanceTimersByTimeAsync(250)
    expect(batches.map(({ length }) => length)).toEqual([99, 100, 1])
  })

  it('keeps events through an outage, and does not hold up a read', async () => {
    vi.useFakeTimers()
    const { audit, state, rows } = setUp({ mode: 'all' })
    state.fail = true
    for (let index = 0; index < 250; index++) {
      await audit.record(userKey('ann'), { ...done, version: `v${index}` })
    }
    await vi.advanceTimersByTimeAsync(5000)
    expect(rows()).toEqual([])
    // Once a second, not once per event.
    expect(state.attempts).toBeLessThan(10)
    state.fail = false
    await vi.advanceTimersByTimeAsync(2000)
    expect(rows().map(({ version }) => version)).toEqual(
      Array.from({ length: 250 }, (_, index) => `v${index}`),
    )
  })

  it('drops the oldest of more than 10,000 and warns once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { audit, state, rows } = setUp({ mode: 'all' })
    state.fail = true
    for (let index = 0; index < 10_002; index++) {
      await audit.record(userKey('ann'), { ...done, version: `v${index}` })
    }
    state.fail = false
    await audit.close()
    const versions = rows().map(({ version }) => version)
    expect(versions).toHaveLength(10_000)
    expect([versions[0], versions.at(-1)]).toEqual(['v2', 'v10001'])
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn).toHaveBeenCalledWith(
      expect.any(String),
      expect.objectContaining({ code: 'MCP_AUTH_AUDIT_DROPPED' }),
    )
  })

  it('gives up at the end when the database is away, and says so', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { audit, state, rows } = setUp()
    state.fail = true
    await audit.record(userKey('ann'), done)
    await audit.close()
    await audit.close()
    expect(rows()).toEqual([])
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('refuses a read whose event cannot be written, every time', async () => {
    const { audit, state, rows } = setUp({ failure: 'refuse' })
    state.fail = true
    for (let index = 0; index < 2; index++) {
      await expect(audit.record(userKey('ann'), done)).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
      })
    }
    state.fail = false
    await audit.record(userKey('ann'), done)
    expect(rows()).toHaveLength(1)
    // Written within the last minute: this read is answered also while the database takes no events.
    state.fail = true
    await audit.record(userKey('ann'), done)
  })

  it('tells nobody of an event before it is written', async () => {
    const { audit, state, batches } = setUp({ failure: 'refuse' })
    let release = () => {}
    state.hold = new Promise((resolve) => {
      release = resolve
    })
    const settled: string[] = []
    const reads = ['ann', 'ann', 'bob'].map((subject) =>
      audit.record(userKey(subject), done).then(() => settled.push(subject)),
    )
    await vi.waitFor(() => expect(state.attempts).toBe(1))
    expect(settled).toEqual([])
    release()
    await Promise.all(reads)
    // One statement for what came together, one event for equal reads.
    expect(batches.map(({ length }) => length)).toEqual([2])
  })

  it('makes every text storable', async () => {
    const { audit, rows } = setUp()
    const actor = { issuer: `a\0b`, subject: 'c\ud800d', clientId: 'x'.repeat(5000) }
    await audit.record(userKey('ann'), { ...done, actor })
    await audit.close()
    expect(rows()[0]).toMatchObject({
      actor_issuer: 'a\u{fffd}b',
      actor_subject: 'c\u{fffd}d',
      actor_client_id: 'x'.repeat(2048),
    })
  })

  it('refuses malformed options', () => {
    const { database } = createFakeDatabase()
    const options = { namespace: 'a b', mode: 'some', failure: 'maybe' } as never
    expect(() => createReadAudit(database, options)).toThrow(/namespace[\s\S]*mode[\s\S]*failure/)
  })
})
