import assert from 'node:assert/strict'
import { generateEncryptionKey } from '../../envelope/encryption-keys.js'
import type { TokenStore } from '../../token-store/token-store.js'
import {
  apiKey,
  assertStored,
  listKeys,
  serviceKey,
  userKey,
} from '../token-store-contract/context.js'
import {
  bytesOf,
  isSameField,
  readOutcome,
  recordOf,
  type SealedCaseContext,
  type SealedStoreContractCase,
  sealedCase,
} from './context.js'

const RECORDS = 200
const UNKNOWN_KEY = 'ERR_STORE_UNAVAILABLE'
const CONFIGURATION = 'ERR_CONFIGURATION'

async function rotate(context: SealedCaseContext, store: TokenStore): Promise<void> {
  if (context.rotate !== undefined) return context.rotate(store)
  for await (const key of store.keys()) {
    const found = await store.get(key)
    assert.ok(found !== undefined)
    const condition = store.capabilities.compareAndSet ? { ifVersion: found.version } : {}
    await store.set(key, found, condition)
  }
}

async function keyIdsOf(context: SealedCaseContext, store: TokenStore): Promise<string[]> {
  const ids: string[] = []
  for (const record of await context.records(store)) {
    const fields = await record.read()
    ids.push(bytesOf(fields, context.parts(fields).keyId).toString('hex'))
  }
  return ids
}

/** What a store promises while its keys change. */
export const keyCases: readonly SealedStoreContractCase[] = [
  sealedCase('SS20', 'X11 reads every record at every moment of a rotation', async (context) => {
    const next = generateEncryptionKey()
    const keys = Array.from({ length: RECORDS }, (_, index) => userKey(`user-${index}`))
    const seed = keys.map((key, index) => [key, apiKey(`canary-${index}`)] as const)
    const old = await context.create(seed)
    // A replica that was not restarted since the new key was handed out, and one that was.
    const behind = await context.create([], { beside: old, keys: [context.key, next] })
    const ahead = await context.create([], { beside: old, keys: [next, context.key] })
    const [oldId, ...others] = new Set(await keyIdsOf(context, old))
    assert.ok(oldId !== undefined && others.length === 0, 'one key sealed under several ids')

    let isOver = false
    const readAll = async (store: TokenStore): Promise<number> => {
      let reads = 0
      for (let index = 0; !isOver || reads < RECORDS; index = (index + 1) % RECORDS) {
        const outcome = await readOutcome(store, userKey(`user-${index}`))
        assert.equal(outcome, `value canary-${index}`)
        reads++
      }
      return reads
    }
    const rotated = rotate(context, ahead).finally(() => {
      isOver = true
    })
    const [, ...reads] = await Promise.all([rotated, readAll(behind), readAll(ahead)])
    for (const count of reads) assert.ok(count >= RECORDS)

    const ids = await keyIdsOf(context, ahead)
    assert.equal(ids.length, RECORDS)
    assert.ok(!ids.includes(oldId), 'a record is still under the old key')
    const alone = await context.create([], { beside: old, keys: [next] })
    for (const [key, input] of seed) await assertStored(alone, key, input)
  }),

  sealedCase('SS21', 'X11 reads what was written before and after a new key', async (context) => {
    const next = generateEncryptionKey()
    const old = await context.create([[userKey('ann'), apiKey('canary-old')]])
    const both = await context.create([], { beside: old, keys: [next, context.key] })
    await both.set(userKey('bob'), apiKey('canary-new'))
    await assertStored(both, userKey('ann'), apiKey('canary-old'))
    await assertStored(both, userKey('bob'), apiKey('canary-new'))
    assert.equal(new Set(await keyIdsOf(context, both)).size, 2)
  }),

  sealedCase('SS22', 'takes an unknown key for an outage, not for damage', async (context) => {
    const next = generateEncryptionKey()
    const old = await context.create([[userKey('ann'), apiKey('canary-old')]])
    const both = await context.create([], { beside: old, keys: [next, context.key] })
    await both.set(userKey('bob'), apiKey('canary-new'))
    assert.equal(await readOutcome(old, userKey('bob')), UNKNOWN_KEY)
    await assertStored(old, userKey('ann'), apiKey('canary-old'))
    assert.equal((await listKeys(old)).length, 2)
    await assertStored(both, userKey('bob'), apiKey('canary-new'))
  }),

  sealedCase('SS23', 'X09 changes nothing while it has only a wrong key', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('canary')]])
    const record = await recordOf(context, store, serviceKey())
    const before = await record.read()
    const wrong = await context.create([], { beside: store, keys: [generateEncryptionKey()] })
    const outcome = await readOutcome(wrong, serviceKey())
    assert.ok([CONFIGURATION, UNKNOWN_KEY].includes(outcome), `a wrong key gave: ${outcome}`)
    if (outcome === CONFIGURATION) {
      // A store that knows its keys refuses writes as well.
      const code = { code: CONFIGURATION }
      await assert.rejects(wrong.set(serviceKey(), apiKey('canary-wrong')), code)
      await assert.rejects(wrong.set(userKey('ann'), apiKey('canary-wrong')), code)
      await assert.rejects(wrong.delete(serviceKey()), code)
    }
    const after = await record.read()
    for (const name of Object.keys(before)) {
      assert.ok(isSameField(before[name], after[name]), `${name} was changed`)
    }
    assert.equal((await context.records(store)).length, 1)
    await assertStored(store, serviceKey(), apiKey('canary'))
  }),
]
