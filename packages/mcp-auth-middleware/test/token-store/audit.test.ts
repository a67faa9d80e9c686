import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AuditSink, CredentialAuditEvent } from '../../src/token-store/audit.js'
import { memoryTokenStore } from '../../src/token-store/memory-token-store.js'
import { userKey } from './fake-store.js'

afterEach(() => vi.restoreAllMocks())

describe('memoryTokenStore() with an AuditSink', () => {
  it('P07 records reads, writes and deletes by key digest, never a value or a subject', async () => {
    const events: CredentialAuditEvent[] = []
    const store = memoryTokenStore({
      namespace: 'team',
      audit: { record: (event) => void events.push(event) },
      now: () => 5000,
    })
    const key = userKey('canary-subject')
    await store.get(key)
    const { version } = await store.set(key, { kind: 'api-key', secret: 'canary-secret' })
    await store.get(key)
    const taken = store.set(key, { kind: 'api-key', secret: 'x' }, { ifAbsent: true })
    await expect(taken).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    await store.delete(key)

    expect(events.map((each) => [each.operation, each.outcome, each.version, each.reason])).toEqual(
      [
        ['read', 'absent', undefined, undefined],
        ['write', 'done', version, undefined],
        ['read', 'done', version, undefined],
        ['write', 'failed', undefined, 'ERR_STORE_CONFLICT'],
        ['delete', 'done', version, undefined],
      ],
    )
    expect(new Set(events.map((each) => each.keyDigest)).size).toBe(1)
    expect(events[0]).toMatchObject({
      store: 'memory',
      namespace: 'team',
      provider: 'coda',
      owner: 'user',
      at: 5000,
    })
    expect(JSON.stringify(events)).not.toContain('canary')
  })

  it.each<[string, AuditSink['record']]>([
    [
      'throws',
      () => {
        throw new Error('full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('full'))],
  ])('goes on and warns once when the sink %s', async (_what, record) => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const store = memoryTokenStore({ audit: { record } })
    expect(await store.get(userKey('ann'))).toBeUndefined()
    expect(await store.get(userKey('ann'))).toBeUndefined()
    await vi.waitFor(() => expect(warn).toHaveBeenCalledTimes(1))
  })
})

describe('memoryTokenStore()', () => {
  it.each([
    ['an unknown option', { name: 'x' }],
    ['a namespace that is a path', { namespace: '../other' }],
    ['a sink that is no object', { audit: 5 }],
  ])('refuses %s', (_what, options) => {
    expect(() => memoryTokenStore(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })
})
