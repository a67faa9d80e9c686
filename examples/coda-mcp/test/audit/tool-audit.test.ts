import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createToolAudit, type ToolAudit } from '../../src/audit/tool-audit.js'

interface Written {
  readonly actor_subject?: string
  readonly details: { readonly tool: string; readonly requestId?: string }
}

/** A database as far as the audit uses it. */
function createFakeDatabase() {
  const batches: Written[][] = []
  let works = true
  const fake = {
    query: async (_statement: unknown, values: readonly unknown[] = []) => {
      if (!works) throw new StoreUnavailableError('away')
      batches.push(JSON.parse(String(values[0])) as Written[])
      return []
    },
  }
  return {
    // The one member that writing needs.
    database: fake as unknown as Database,
    batches,
    entries: () => batches.flat(),
    break: () => {
      works = false
    },
    repair: () => {
      works = true
    },
  }
}

let fake: ReturnType<typeof createFakeDatabase>
const settled = { written: 0, dropped: 0 }
const problems: string[] = []

async function create(capacity?: number, prunes = false): Promise<ToolAudit> {
  return await createToolAudit({
    database: fake.database,
    namespace: 'default',
    prunes,
    capacity,
    now: () => 1_700_000_000_000,
    onSettled: (outcome, entries) => {
      settled[outcome] += entries
    },
    onTrouble: (problem) => void problems.push(problem),
  })
}

const call = (tool: string) => ({ tool, outcome: 'ok', durationMs: 5, requestId: 'r1' })

beforeEach(() => {
  fake = createFakeDatabase()
  Object.assign(settled, { written: 0, dropped: 0 })
  problems.length = 0
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('createToolAudit()', () => {
  it('writes what came within a quarter of a second in one statement', async () => {
    const audit = await create()
    const caller = { issuer: 'https://id', subject: 'ann', clientId: 'app' }
    audit.add({ ...call('coda_whoami'), caller })
    audit.add({ tool: 'coda_get_row', outcome: 'coda_not_found', durationMs: 7, caller })
    expect([audit.waiting, fake.batches.length]).toEqual([2, 0])
    await vi.advanceTimersByTimeAsync(250)
    expect([audit.waiting, fake.batches.length, settled.written]).toEqual([0, 1, 2])
    expect(fake.batches[0]).toEqual([
      expect.objectContaining({
        at: 1_700_000_000_000,
        event: 'tool.call',
        outcome: 'done',
        namespace: 'default',
        provider: 'coda',
        actor_issuer: 'https://id',
        actor_subject: 'ann',
        actor_client_id: 'app',
        details: { tool: 'coda_whoami', durationMs: 5, requestId: 'r1' },
      }),
      expect.objectContaining({
        outcome: 'failed',
        reason: 'coda_not_found',
        details: { tool: 'coda_get_row', durationMs: 7 },
      }),
    ])
  })

  it('writes a hundred at once, without waiting', async () => {
    const audit = await create()
    for (let count = 0; count < 100; count += 1) audit.add(call('coda_whoami'))
    await vi.advanceTimersByTimeAsync(0)
    expect(fake.batches.map((batch) => batch.length)).toEqual([100])
  })

  it('keeps what the database does not take, and tries again each second, in order', async () => {
    const audit = await create()
    fake.break()
    audit.add(call('coda_whoami'))
    await vi.advanceTimersByTimeAsync(250)
    audit.add(call('coda_get_row'))
    await vi.advanceTimersByTimeAsync(999)
    expect(audit.waiting).toBe(2)
    fake.repair()
    await vi.advanceTimersByTimeAsync(1)
    expect(fake.entries().map(({ details }) => details.tool)).toEqual([
      'coda_whoami',
      'coda_get_row',
    ])
    expect([settled.written, settled.dropped, problems]).toEqual([2, 0, []])
  })

  it('drops the oldest over its capacity, counts them, and says so once', async () => {
    const audit = await create(3)
    fake.break()
    for (const tool of ['one', 'two', 'three', 'four', 'five']) audit.add(call(tool))
    await vi.advanceTimersByTimeAsync(3000)
    expect([audit.waiting, settled.dropped, problems.length]).toEqual([3, 2, 1])
    fake.repair()
    await vi.advanceTimersByTimeAsync(1000)
    expect(fake.entries().map(({ details }) => details.tool)).toEqual(['three', 'four', 'five'])
    fake.break()
    for (const tool of ['1', '2', '3', '4']) audit.add(call(tool))
    expect([settled.dropped, problems.length]).toEqual([3, 2])
  })

  it('never holds a call up while a write hangs', async () => {
    const audit = await create(3)
    let end = (): void => {}
    const hang = new Promise<never[]>((resolve) => {
      end = () => resolve([])
    })
    vi.spyOn(fake.database, 'query').mockImplementation(() => hang)
    audit.add(call('one'))
    await vi.advanceTimersByTimeAsync(250)
    for (const tool of ['two', 'three', 'four', 'five']) audit.add(call(tool))
    expect([audit.waiting, settled.dropped]).toEqual([3, 1])
    end()
    await vi.advanceTimersByTimeAsync(250)
    expect(audit.waiting).toBe(0)
  })

  it('writes the rest when it is closed, once, and counts what comes later as dropped', async () => {
    const audit = await create()
    for (let count = 0; count < 250; count += 1) audit.add(call('coda_whoami'))
    await Promise.all([audit.close(), audit.close()])
    expect([fake.entries().length, settled.written, settled.dropped]).toEqual([250, 250, 0])
    audit.add(call('coda_whoami'))
    expect([audit.waiting, settled.dropped]).toEqual([0, 1])
  })

  it('removes old entries once an hour where nobody else does, and says once when it may not', async () => {
    const query = vi.spyOn(fake.database, 'query').mockResolvedValue([{ events: '0' }])
    const pruned = () => query.mock.calls.filter(([{ text }]) => /DELETE FROM/.test(text)).length
    await create()
    await vi.advanceTimersByTimeAsync(7_200_000)
    expect(pruned()).toBe(0)
    const audit = await create(undefined, true)
    await vi.advanceTimersByTimeAsync(3_599_999)
    expect(pruned()).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(pruned()).toBe(1)
    query.mockRejectedValue(new StoreUnavailableError('not allowed'))
    await vi.advanceTimersByTimeAsync(7_200_000)
    expect([pruned(), problems.length]).toEqual([3, 1])
    await audit.close()
    await vi.advanceTimersByTimeAsync(7_200_000)
    expect(pruned()).toBe(3)
  })

  it('counts as dropped what a database that is away does not take at the end', async () => {
    const audit = await create()
    fake.break()
    audit.add(call('coda_whoami'))
    await audit.close()
    expect([audit.waiting, settled.written, settled.dropped, problems.length]).toEqual([0, 0, 1, 1])
  })
})
