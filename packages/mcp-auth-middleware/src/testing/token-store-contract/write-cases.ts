import assert from 'node:assert/strict'
import type { CredentialInput } from '../../token-store/token-store.js'
import {
  apiKey,
  assertStored,
  listKeys,
  rejectsWith,
  serviceKey,
  type TokenStoreContractCase,
  userKey,
} from './context.js'
import { writeCase } from './write-case.js'

const INVALID_INPUTS: readonly (readonly [description: string, input: unknown])[] = [
  ['an empty secret', { kind: 'api-key', secret: '' }],
  ['no secret', { kind: 'api-key' }],
  ['a secret of 64 KiB and one byte', { kind: 'api-key', secret: 'canary'.padEnd(65_537, 'k') }],
  ['a secret with NUL', { kind: 'api-key', secret: 'canary\0' }],
  ['a secret with a lone surrogate', { kind: 'api-key', secret: 'canary\ud800' }],
  ['an unknown kind', { kind: 'canary', secret: 'canary' }],
  ['a refresh token of an API key', { kind: 'api-key', secret: 'canary', refreshToken: 'r' }],
  ['an end that is no number', { kind: 'oauth2', secret: 'canary', expiresAt: Number.NaN }],
  ['a scope with a space', { kind: 'oauth2', secret: 'canary', scopes: ['canary one'] }],
  ['metadata that is no text', { kind: 'api-key', secret: 'canary', metadata: { a: 1 } }],
]

/** What stores promise to writers; a store without a capability has to say so. */
export const writeCases: readonly TokenStoreContractCase[] = [
  writeCase('TS20', 'returns what it stored and replaces the value as a whole', async (context) => {
    const store = await context.create([])
    const full: CredentialInput = {
      kind: 'oauth2',
      secret: 'old',
      refreshToken: 'r',
      scopes: ['a'],
    }
    await store.set(serviceKey(), full)
    const written = await store.set(serviceKey(), apiKey('new'))
    assert.equal(written.secret, 'new')
    assert.ok(!Object.keys(written).includes('secret'))
    await assertStored(store, serviceKey(), apiKey('new'))
    assert.equal((await store.get(serviceKey()))?.version, written.version)
  }),

  writeCase('TS21', 'accepts a credential that was read from a store', async (context) => {
    const input: CredentialInput = { kind: 'oauth2', secret: 'access', refreshToken: 'refresh' }
    const store = await context.create([[serviceKey(), input]])
    const found = await store.get(serviceKey())
    assert.ok(found !== undefined)
    await store.set(userKey('ann'), found)
    await assertStored(store, userKey('ann'), input)
  }),

  writeCase('TS22', 'X22 refuses invalid values without repeating them', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('unchanged')]])
    for (const [description, input] of INVALID_INPUTS) {
      const write = () => store.set(serviceKey(), input as CredentialInput)
      await rejectsWith('ERR_STORE_INVALID', write, ['canary']).catch((cause) => {
        throw new Error(description, { cause })
      })
    }
    await rejectsWith('ERR_STORE_INVALID', () => store.set(userKey('\0'), apiKey('secret')))
    await rejectsWith('ERR_STORE_INVALID', () => store.delete(userKey('')))
    await assertStored(store, serviceKey(), apiKey('unchanged'))
  }),

  writeCase('TS23', 'gives every write a new version, also for an equal value', async (context) => {
    const store = await context.create([])
    const versions = new Set<string>()
    for (const secret of ['same', 'same', 'other', 'same']) {
      versions.add((await store.set(serviceKey(), apiKey(secret))).version)
    }
    await store.delete(serviceKey())
    versions.add((await store.set(serviceKey(), apiKey('same'))).version)
    assert.equal(versions.size, 5)
  }),

  writeCase('TS24', 'writes and deletes one owner only', async (context) => {
    const store = await context.create([
      [serviceKey(), apiKey('service')],
      [userKey('bc', 'a'), apiKey('bc')],
      [userKey('c', 'ab'), apiKey('c')],
    ])
    await store.set(userKey('bc', 'a'), apiKey('new'))
    await assertStored(store, userKey('c', 'ab'), apiKey('c'))
    assert.equal(await store.delete(userKey('bc', 'a')), true)
    await assertStored(store, userKey('c', 'ab'), apiKey('c'))
    await assertStored(store, serviceKey(), apiKey('service'))
    assert.deepEqual((await listKeys(store)).length, 2)
  }),

  writeCase('TS25', 'tells whether a delete removed something', async (context) => {
    const store = await context.create([[serviceKey(), apiKey('secret')]])
    assert.equal(await store.delete(userKey('ann')), false)
    assert.equal(await store.delete(serviceKey()), true)
    assert.equal(await store.delete(serviceKey()), false)
    assert.equal(await store.get(serviceKey()), undefined)
    assert.deepEqual(await listKeys(store), [])
  }),

  writeCase('TS26', 'shows a write to a second replica', async (context) => {
    const one = await context.create([])
    const other = await context.create([], { beside: one })
    await one.set(serviceKey(), apiKey('secret'))
    await assertStored(other, serviceKey(), apiKey('secret'))
    assert.equal(await other.delete(serviceKey()), true)
    assert.equal(await one.get(serviceKey()), undefined)
  }),

  writeCase('TS27', 'rejects writes after close', async (context) => {
    const store = await context.create([])
    await store.close()
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => store.set(serviceKey(), apiKey('secret')))
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => store.delete(serviceKey()))
  }),
]
