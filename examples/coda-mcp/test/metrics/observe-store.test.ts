import {
  cachedTokenStore,
  createMemoryStorage,
  dualWriteTokenStore,
  type MemoryStorage,
  memoryTokenStore,
  StoreUnavailableError,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { tokenStoreContract } from '@bestviable/mcp-auth-middleware/testing'
import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/metrics/metrics.js'
import { observeStore } from '../../src/metrics/observe-store.js'
import { parseMetrics } from '../support/scrape.js'

const key = { provider: 'coda', owner: { kind: 'service' } } as const

describe('observeStore()', () => {
  it('counts what failed, by why, and hands the error on', async () => {
    const metrics = createMetrics()
    const store = memoryTokenStore({ namespace: 'coda' })
    const error = new StoreUnavailableError('away')
    const away = observeStore({ ...store, get: () => Promise.reject(error) }, 'postgres', metrics)
    await expect(away.get(key)).rejects.toBe(error)
    await away.set(key, { kind: 'api-key', secret: 'canary-secret' })
    await expect(
      away.set(key, { kind: 'api-key', secret: 'canary-secret' }, { ifAbsent: true }),
    ).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    const now = parseMetrics(await metrics.format())
    const labels = { store: 'postgres', operation: 'get' }
    expect(now.sample('token_store_errors_total', { ...labels, reason: 'unavailable' })).toBe(1)
    const conflict = { store: 'postgres', operation: 'set', reason: 'conflict' }
    expect(now.sample('token_store_errors_total', conflict)).toBe(1)
    const name = 'token_store_operation_duration_seconds_count'
    expect(now.sample(name, { ...labels, outcome: 'failed' })).toBe(1)
    expect(now.sample(name, { store: 'postgres', operation: 'set', outcome: 'ok' })).toBe(1)
    expect(now.text).not.toContain('canary')
  })

  it('does not count a read that its caller gave up', async () => {
    const metrics = createMetrics()
    const hangs = observeStore(
      {
        ...memoryTokenStore({ namespace: 'coda' }),
        get: (_key, options) =>
          new Promise((_, reject) => {
            options?.signal?.addEventListener('abort', () => reject(options.signal?.reason))
          }),
      },
      'env',
      metrics,
    )
    const controller = new AbortController()
    const read = hangs.get(key, { signal: controller.signal })
    controller.abort()
    await expect(read).rejects.toThrow()
    const labels = { store: 'env', operation: 'get', outcome: 'failed' }
    const now = parseMetrics(await metrics.format())
    expect(now.sample('token_store_operation_duration_seconds_count', labels)).toBeUndefined()
  })

  it('leaves a store one that can be cached and migrated', async () => {
    const metrics = createMetrics()
    const create = () => observeStore(memoryTokenStore({ namespace: 'coda' }), 'env', metrics)
    const store = cachedTokenStore(dualWriteTokenStore({ old: create(), new: create() }))
    await store.set(key, { kind: 'api-key', secret: 'secret' })
    expect((await store.get(key))?.secret).toBe('secret')
  })
})

describe('TokenStore contract: an observed store', () => {
  for (const { id, run, title } of tokenStoreContract) {
    it(`${id}: ${title}`, () => {
      const storages = new WeakMap<TokenStore, MemoryStorage>()
      let time = Date.now()
      return run({
        async create(seed, { beside, namespace } = {}) {
          const storage = (beside && storages.get(beside)) ?? createMemoryStorage()
          const inner = memoryTokenStore({ namespace, storage, now: () => time })
          const store = observeStore(inner, 'env', createMetrics())
          storages.set(store, storage)
          for (const [each, credential] of seed) await store.set(each, credential)
          return store
        },
        destroy: (store) => store.close(),
        advance(seconds) {
          time += seconds * 1000
        },
      })
    })
  }
})
