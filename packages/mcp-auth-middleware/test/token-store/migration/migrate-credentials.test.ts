import { describe, expect, it, vi } from 'vitest'
import {
  StoreConflictError,
  StoreIntegrityError,
  StoreUnavailableError,
} from '../../../src/errors.js'
import { cachedTokenStore } from '../../../src/token-store/cached-token-store.js'
import { memoryTokenStore } from '../../../src/token-store/memory-token-store.js'
import { finishMigration } from '../../../src/token-store/migration/finish-migration.js'
import { migrateCredentials } from '../../../src/token-store/migration/migrate-credentials.js'
import { MigrationInterruptedError } from '../../../src/token-store/migration/migration-report.js'
import {
  type VerificationReport,
  verifyMigration,
} from '../../../src/token-store/migration/verify-migration.js'
import type { CredentialInput, TokenStore } from '../../../src/token-store/token-store.js'
import { createGate, serviceKey as key, userKey } from '../fake-store.js'
import { limitedStore, steppedStore } from './stepped-store.js'

const apiKey = (secret: string): CredentialInput => ({ kind: 'api-key', secret })

async function setUp(count = 3) {
  const [from, to] = [memoryTokenStore(), memoryTokenStore()]
  for (let index = 0; index < count; index++) {
    await from.set(userKey(`user-${index}`), apiKey(`canary-${index}`))
  }
  return { from, to }
}

/** A store whose versions do not tell the time. */
const opaque = (store: ReturnType<typeof memoryTokenStore>) => ({
  ...store,
  get: async (...given: Parameters<typeof store.get>) => {
    const found = await store.get(...given)
    return found && Object.create(found, { version: { value: `v-${found.version}` } })
  },
})

/** A store that answers with what it once listed, unless it is asked for what it holds now. */
const remembering = (
  store: ReturnType<typeof memoryTokenStore>,
  credential: Awaited<ReturnType<typeof store.get>>,
): typeof store => ({
  ...store,
  get: (each, options) =>
    options?.maxAgeSeconds === 0 ? store.get(each, options) : Promise.resolve(credential),
})

describe('migrateCredentials()', () => {
  it('lists a damaged credential and copies the others', async () => {
    const { from, to } = await setUp()
    const damaged: typeof from.get = (each, options) =>
      each.owner.kind === 'user' && each.owner.subject === 'user-1'
        ? Promise.reject(new StoreIntegrityError('damaged'))
        : from.get(each, options)
    const { ok, counts, entries } = await migrateCredentials({
      from: { ...from, get: damaged },
      to,
      includeOwners: true,
    })
    expect([ok, counts.failed, counts.copied]).toEqual([false, 1, 2])
    expect(entries.find(({ outcome }) => outcome === 'failed')).toMatchObject({
      subject: 'user-1',
      reason: 'ERR_STORE_INTEGRITY',
    })
  })

  it('removes a copy that does not read back as it was written', async () => {
    const { from, to } = await setUp(1)
    const trimming: typeof to.set = (each, input, options) =>
      to.set(each, { ...input, secret: 'canary' }, options)
    const { ok, entries } = await migrateCredentials({ from, to: { ...to, set: trimming } })
    expect(ok).toBe(false)
    expect(entries[0]).toMatchObject({ outcome: 'failed', reason: 'ERR_STORE_INTEGRITY' })
    expect(await to.get(userKey('user-0'))).toBeUndefined()
    expect(await to.tombstone?.(userKey('user-0'))).toBeUndefined()
    expect((await migrateCredentials({ from, to })).counts.copied).toBe(1)
  })

  it('decides by what the stores hold now, not by what they remember from a listing', async () => {
    const { from, to } = await setUp(1)
    const key = userKey('user-0')
    await to.set(key, apiKey('older'))
    const [fromThen, toThen] = [await from.get(key), await to.get(key)]
    // A server that writes to both stores has put another credential there since they were listed.
    for (const store of [from, to]) await store.set(key, apiKey('newest'))
    const { entries } = await migrateCredentials({
      from: remembering(from, fromThen),
      to: remembering(to, toThen),
      prefer: 'from',
    })
    expect(entries[0]?.outcome).toBe('present')
    expect((await to.get(key))?.secret).toBe('newest')
  })

  it('reads a copy back from the store itself, not from what the store remembers', async () => {
    const { from, to } = await setUp(1)
    const key = userKey('user-0')
    let written: Awaited<ReturnType<typeof to.get>>
    const trimming: typeof to = {
      ...to,
      async set(each, input, options) {
        const stored = await to.set(each, { ...input, secret: 'canary' }, options)
        written = Object.create(stored, { secret: { value: input.secret } })
        return stored
      },
      get: (each, options) =>
        options?.maxAgeSeconds === 0 ? to.get(each, options) : Promise.resolve(written),
    }
    const { entries } = await migrateCredentials({ from, to: trimming })
    expect(entries[0]).toMatchObject({ outcome: 'failed', reason: 'ERR_STORE_INTEGRITY' })
    expect(await to.get(key)).toBeUndefined()
  })

  it('gives up on a key that never stands still, and says so', async () => {
    const { from, to } = await setUp(1)
    let writes = 0
    const restless = steppedStore(from, {
      async after(operation) {
        if (operation === 'get') await from.set(userKey('user-0'), apiKey(`moved-${writes++}`))
      },
      before: () => {},
    })
    const { entries } = await migrateCredentials({ from: restless, to })
    expect(entries[0]).toMatchObject({ outcome: 'failed', reason: 'ERR_STORE_CONFLICT' })
  })

  it('works on as many keys at once as it was told', async () => {
    const { from, to } = await setUp(20)
    let running = 0
    let most = 0
    const counting = steppedStore(to, {
      async before(operation) {
        if (operation !== 'set') return
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
      },
      after: (operation) => {
        if (operation === 'set') running--
      },
    })
    await migrateCredentials({ from, to: counting, concurrency: 3 })
    expect(most).toBe(3)
  })

  it('has nothing under way any more when it rejects', async () => {
    const { from, to } = await setUp(8)
    const gate = createGate<void>()
    let sets = 0
    let settled = 0
    const failing = steppedStore(to, {
      async before(operation) {
        if (operation !== 'set') return
        if (++sets === 1) throw new StoreUnavailableError('down')
        await gate.promise
        settled++
      },
    })
    const run = migrateCredentials({ from, to: failing, concurrency: 4 })
    setImmediate(() => gate.resolve())
    const error = await run.catch((each: unknown) => each)
    expect(error).toBeInstanceOf(MigrationInterruptedError)
    expect(settled).toBe(3)
    expect((error as MigrationInterruptedError).report).toMatchObject({
      ok: false,
      total: 8,
      counts: { copied: 3 },
    })
  })

  it('rejects with the reason of an aborted signal and writes nothing after it', async () => {
    const { from, to } = await setUp(8)
    const controller = new AbortController()
    const reason = new Error('stopped')
    const onProgress = ({ done }: { done: number }) => {
      if (done === 2) controller.abort(reason)
    }
    const run = migrateCredentials({
      from,
      to,
      concurrency: 1,
      signal: controller.signal,
      onProgress,
    })
    await expect(run).rejects.toBe(reason)
    expect((await verifyMigration({ from, to })).counts.equal).toBe(2)
  })

  it('reports progress and survives whoever watches it', async () => {
    const { from, to } = await setUp(3)
    const seen: string[] = []
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      seen.push(`${done}/${total}`)
      throw new Error('a bug of the display')
    }
    expect((await migrateCredentials({ from, to, onProgress })).ok).toBe(true)
    expect(seen).toEqual(['1/3', '2/3', '3/3'])
  })

  it('waits for a write of both stores that has reached only one of them', async () => {
    const from = opaque(memoryTokenStore())
    const to = memoryTokenStore()
    for (const store of [from, to]) await store.set(key, apiKey('before'))
    await from.set(key, apiKey('canary-after'))
    const relations = verifyMigration({ from, to })
    const copies = migrateCredentials({ from, to })
    const second = setTimeout(() => void to.set(key, apiKey('canary-after')), 250)
    expect((await relations).counts).toMatchObject({ equal: 1 })
    expect((await copies).counts).toMatchObject({ present: 1 })
    clearTimeout(second)
  })

  it('reports a difference that stays, at once when nobody wrote lately', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const countsOf = async (time: number) => {
        const now = () => time
        const from = opaque(memoryTokenStore({ now }))
        const to = memoryTokenStore({ now })
        await from.set(key, apiKey('first'))
        await to.set(key, apiKey('second'))
        return verifyMigration({ from, to }).then(({ counts }) => counts)
      }
      // Nothing moves the clock here, so this would never settle if it waited.
      expect(await countsOf(Date.now() - 60_000)).toMatchObject({ different: 1 })
      let settled = false
      const counts = countsOf(Date.now()).finally(() => {
        settled = true
      })
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
      expect(settled).toBe(false)
      while (!settled) await vi.advanceTimersByTimeAsync(100)
      expect(await counts).toMatchObject({ different: 1 })
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends a migration although a key is written between the two reads of a look', async () => {
    const { from, to } = await setUp(2)
    await migrateCredentials({ from, to })
    const written = memoryTokenStore()
    await written.set(userKey('user-0'), apiKey('written meanwhile'))
    let looks = 0
    const get: typeof from.get = (each, options) => {
      const isFirst = options?.maxAgeSeconds === 0 && looks++ === 0
      return (isFirst ? written : from).get(isFirst ? userKey('user-0') : each, options)
    }
    const { finished, removal } = await finishMigration({ from: { ...from, get }, to })
    expect([finished, removal?.counts]).toEqual([
      true,
      expect.objectContaining({ removed: 2, changed: 0 }),
    ])
    expect(looks).toBeGreaterThan(2)
  })

  describe('a delete that is between its two stores', () => {
    async function verifyWhile(deleteIn: (from: TokenStore) => Promise<unknown>, ends: boolean) {
      const { from, to } = await setUp(2)
      await migrateCredentials({ from, to })
      await deleteIn(from)
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        let report: VerificationReport | undefined
        const verified = verifyMigration({ from, to }).then((result) => {
          report = result
        })
        await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
        await vi.advanceTimersByTimeAsync(100)
        expect(report).toBeUndefined()
        if (ends) await to.delete(userKey('user-0'))
        await vi.advanceTimersByTimeAsync(600)
        await verified
        return [report?.ok, report?.counts]
      } finally {
        vi.useRealTimers()
      }
    }

    const withoutTrace = (from: TokenStore) => from.delete(userKey('user-0'))
    const withTombstone = (from: TokenStore) => from.delete(userKey('user-0'), { tombstone: true })

    it.each([withoutTrace, withTombstone])(
      'is no finding once it is over: %o',
      async (deleteIn) => {
        const [ok, counts] = await verifyWhile(deleteIn, true)
        expect([ok, counts]).toEqual([true, expect.objectContaining({ equal: 1, deleted: 1 })])
      },
    )

    it('is one when it never ends', async () => {
      const [ok, counts] = await verifyWhile(withoutTrace, false)
      expect([ok, counts]).toEqual([false, expect.objectContaining({ equal: 1, extra: 1 })])
      const [marked, others] = await verifyWhile(withTombstone, false)
      expect([marked, others]).toEqual([false, expect.objectContaining({ equal: 1, undeleted: 1 })])
    })
  })

  it('compares whole seconds where versions do not tell the time', async () => {
    const clock = { time: 1_700_000_000_000 }
    const now = () => clock.time
    const from = opaque(memoryTokenStore({ now }))
    const to = memoryTokenStore({ now })
    await from.set(key, apiKey('first'))
    await to.set(key, apiKey('second'))
    const relation = async () => (await verifyMigration({ from, to })).entries[0]?.outcome
    expect(await relation()).toBe('different')
    clock.time += 1000
    await from.set(key, apiKey('third'))
    expect(await relation()).toBe('older')
    clock.time += 1000
    await to.set(key, apiKey('fourth'))
    expect(await relation()).toBe('newer')
  })

  it('never trusts the times of a read-only store', async () => {
    const { from, to } = await setUp(1)
    await to.set(userKey('user-0'), apiKey('another'))
    await from.set(userKey('user-0'), apiKey('canary-newer'))
    const env = limitedStore(from, ['write', 'tombstone'])
    expect((await migrateCredentials({ from: env, to })).counts.different).toBe(1)
    expect((await migrateCredentials({ from: env, to, prefer: 'from' })).counts.updated).toBe(1)
  })

  it.each([
    ['a read-only target', { to: limitedStore(memoryTokenStore(), ['write']) }],
    ['a cached source', { from: cachedTokenStore(memoryTokenStore()) }],
    ['a cached target', { to: cachedTokenStore(memoryTokenStore()) }],
    ['no workers', { concurrency: 0 }],
    ['65 workers', { concurrency: 65 }],
    ['an unknown preference', { prefer: 'both' }],
    ['a provider that no store accepts', { provider: 'a/b' }],
    ['an unknown option', { dryrun: true }],
    ['a probe that is no function', { probe: true }],
  ])('refuses %s', async (_what, options) => {
    const stores = { from: memoryTokenStore(), to: memoryTokenStore() }
    await expect(migrateCredentials({ ...stores, ...options } as never)).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
    })
  })
})

describe('finishMigration()', () => {
  it('leaves alone what changed after the comparison', async () => {
    const { from, to } = await setUp(2)
    await migrateCredentials({ from, to })
    let compared = 0
    const changing = steppedStore(from, {
      before: () => {},
      async after(operation) {
        // Two reads by the comparison; the third is the one right before a removal.
        if (operation !== 'get' || ++compared !== 3) return
        for (const subject of ['user-0', 'user-1']) await from.set(userKey(subject), apiKey('late'))
      },
    })
    const { finished, removal } = await finishMigration({ from: changing, to, concurrency: 1 })
    expect([finished, removal?.counts.changed, removal?.counts.removed]).toEqual([false, 2, 0])
    expect((await from.get(userKey('user-0')))?.secret).toBe('late')
    await migrateCredentials({ from, to })
    expect((await finishMigration({ from, to })).finished).toBe(true)
    expect((await to.get(userKey('user-1')))?.secret).toBe('late')
  })

  it('looks again at a key whose removal met a conflict, and gives up after some time', async () => {
    const { from, to } = await setUp(2)
    await migrateCredentials({ from, to })
    let conflicts = 0
    const contested: typeof from = {
      ...from,
      delete(key, options) {
        const isFirst = key.owner.kind === 'user' && key.owner.subject === 'user-0'
        if (isFirst ? conflicts++ > 0 : false) return from.delete(key, options)
        return Promise.reject(new StoreConflictError('written meanwhile'))
      },
    }
    const { finished, removal } = await finishMigration({ from: contested, to })
    expect([finished, removal?.counts.removed, removal?.counts.changed]).toEqual([false, 1, 1])
    expect(await from.get(userKey('user-0'))).toBeUndefined()
    expect(await from.get(userKey('user-1'))).toBeDefined()
  })

  it('refuses while a credential is damaged', async () => {
    const { from, to } = await setUp(1)
    await migrateCredentials({ from, to })
    const get = () => Promise.reject(new StoreIntegrityError('damaged'))
    const { finished, removal } = await finishMigration({ from, to: { ...to, get } })
    expect([finished, removal]).toEqual([false, undefined])
    expect(await from.get(userKey('user-0'))).toBeDefined()
  })

  it('stops with a report when a store becomes unavailable', async () => {
    const { from, to } = await setUp(3)
    await migrateCredentials({ from, to })
    let deletes = 0
    const failing = steppedStore(from, {
      before(operation) {
        if (operation === 'delete' && ++deletes === 2) throw new StoreUnavailableError('down')
      },
    })
    const run = finishMigration({ from: failing, to, concurrency: 1 })
    await expect(run).rejects.toMatchObject({ report: { counts: { removed: 1 }, total: 3 } })
    expect((await finishMigration({ from, to })).finished).toBe(true)
  })

  it('finishes with a read-only source once somebody emptied it', async () => {
    const { from, to } = await setUp(2)
    const env = limitedStore(from, ['write', 'tombstone'])
    await migrateCredentials({ from: env, to })
    await to.delete(userKey('user-1'), { tombstone: true })
    expect((await finishMigration({ from: env, to })).finished).toBe(false)
    expect(await to.tombstone?.(userKey('user-1'))).toBeDefined()
    for (const subject of ['user-0', 'user-1']) await from.delete(userKey(subject))
    expect((await finishMigration({ from: env, to })).finished).toBe(true)
    expect(await to.tombstone?.(userKey('user-1'))).toBeUndefined()
    expect((await to.get(userKey('user-0')))?.secret).toBe('canary-0')
  })
})
