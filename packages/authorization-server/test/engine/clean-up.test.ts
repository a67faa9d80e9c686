import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startCleanUp } from '../../src/engine/clean-up.js'
import type { CleanUpCounts } from '../../src/storage/storage.js'

const MINUTE = 60_000
const counts: CleanUpCounts = { tokens: 0, clients: 0, revocations: 0, auditEvents: 0 }
const periods = { unusedClientDays: 7, auditRetentionDays: 30 }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the clean-up', () => {
  it('runs a minute or two after the start, then each hour, and not after the end', async () => {
    const cleanUp = vi.fn(async () => counts)
    const end = startCleanUp({
      storage: { cleanUp },
      events: { tell: vi.fn() },
      ...periods,
    })
    await vi.advanceTimersByTimeAsync(MINUTE - 1)
    expect(cleanUp).toHaveBeenCalledTimes(0)
    await vi.advanceTimersByTimeAsync(MINUTE + 1)
    expect(cleanUp.mock.calls).toEqual([[periods]])
    await vi.advanceTimersByTimeAsync(120 * MINUTE)
    expect(cleanUp).toHaveBeenCalledTimes(3)
    end()
    await vi.advanceTimersByTimeAsync(120 * MINUTE)
    expect(cleanUp).toHaveBeenCalledTimes(3)
  })

  it('tells of a failure and runs again an hour later', async () => {
    const cleanUp = vi.fn(async () => counts).mockRejectedValueOnce(new Error('canary host'))
    const tell = vi.fn()
    const end = startCleanUp({ storage: { cleanUp }, events: { tell }, ...periods })
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect(tell.mock.calls).toEqual([[{ event: 'clean-up', outcome: 'failed', reason: 'storage' }]])
    await vi.advanceTimersByTimeAsync(60 * MINUTE)
    expect([cleanUp.mock.calls.length, tell.mock.calls.length]).toEqual([2, 1])
    end()
  })

  it('tells once that the role of the database may not remove audit events', async () => {
    const cleanUp = vi.fn(async () => ({ ...counts, auditEvents: undefined }))
    const tell = vi.fn()
    const end = startCleanUp({ storage: { cleanUp }, events: { tell }, ...periods })
    await vi.advanceTimersByTimeAsync(122 * MINUTE)
    expect(cleanUp).toHaveBeenCalledTimes(3)
    const event = { event: 'clean-up', outcome: 'failed', reason: 'audit_retention' }
    expect(tell.mock.calls).toEqual([[event]])
    end()
  })

  it('does not go on when it is ended in the middle of a run', async () => {
    let release: (value: typeof counts) => void = () => {}
    const cleanUp = vi.fn(
      () =>
        new Promise<typeof counts>((resolve) => {
          release = resolve
        }),
    )
    const end = startCleanUp({
      storage: { cleanUp },
      events: { tell: vi.fn() },
      ...periods,
    })
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    end()
    release(counts)
    await vi.advanceTimersByTimeAsync(120 * MINUTE)
    expect(cleanUp).toHaveBeenCalledTimes(1)
  })
})
