import { describe, expect, it } from 'vitest'
import { StoreIntegrityError } from '../../src/errors.js'
import { tokenStoreContract } from '../../src/testing/token-store-contract.js'
import {
  createMemoryStorage,
  type MemoryStorage,
  memoryTokenStore,
} from '../../src/token-store/memory-token-store.js'
import type { Credential, TokenStore } from '../../src/token-store/token-store.js'

type Break = (store: TokenStore) => Partial<TokenStore>

async function failingCases(breakStore: Break): Promise<string[]> {
  const failed: string[] = []
  for (const { id, run } of tokenStoreContract) {
    const storages = new WeakMap<TokenStore, MemoryStorage>()
    try {
      await run({
        async create(seed, { beside, namespace } = {}) {
          const storage = (beside && storages.get(beside)) ?? createMemoryStorage()
          const sound = memoryTokenStore({ namespace, storage })
          for (const [key, input] of seed) await sound.set(key, input)
          const store = { ...sound, ...breakStore(sound) }
          storages.set(store, storage)
          return store
        },
        destroy: (store) => store.close(),
        // The clock of these stores stands still, so a lease cannot run out.
        advance: () => {},
      })
    } catch {
      failed.push(id)
    }
  }
  return failed
}

function enumerable({ secret, refreshToken, ...open }: Credential): Credential {
  return { ...open, secret, refreshToken }
}

const breaks: readonly (readonly [string, string, Break])[] = [
  [
    'throws for absence',
    'TS01',
    (store) => ({
      async get(key, options) {
        const found = await store.get(key, options)
        if (found === undefined) throw new StoreIntegrityError('absent')
        return found
      },
    }),
  ],
  [
    'falls back to the service credential',
    'TS06',
    (store) => ({
      get: async (key, options) =>
        (await store.get(key, options)) ??
        (await store.get({ provider: key.provider, owner: { kind: 'service' } }, options)),
    }),
  ],
  [
    'joins issuer and subject without lengths',
    'TS06',
    (store) => {
      const joined: TokenStore['get'] = async (key, options) => {
        for await (const each of store.keys({ provider: key.provider })) {
          if (each.owner.kind !== 'user' || key.owner.kind !== 'user') continue
          const same =
            each.owner.issuer + each.owner.subject === key.owner.issuer + key.owner.subject
          if (same) return store.get(each, options)
        }
        return store.get(key, options)
      }
      return { get: joined }
    },
  ],
  [
    'shows the secret when logged',
    'TS10',
    (store) => ({
      async get(key, options) {
        const found = await store.get(key, options)
        return found && enumerable(found)
      },
    }),
  ],
  ['ignores the signal', 'TS12', (store) => ({ get: (key) => store.get(key) })],
  ['ignores conditions', 'TS33', (store) => ({ set: (key, input) => store.set(key, input) })],
  [
    'claims to be read-only and writes all the same',
    'TS20',
    (store) => ({ capabilities: { ...store.capabilities, write: false } }),
  ],
  [
    'drops the members beside the secret',
    'TS08',
    (store) => ({
      async get(key, options) {
        const found = await store.get(key, options)
        return found && Object.create(found, { metadata: { value: undefined } })
      },
    }),
  ],
  [
    'lends one lease to everybody',
    'TS40',
    () => ({ lease: async () => ({ expiresAt: 1, release: async () => {} }) }),
  ],
  ['never ends a lease', 'TS41', () => ({})],
  [
    'leaves no tombstone',
    'TS50',
    (store) => ({ delete: (key, options) => store.delete(key, { ifVersion: options?.ifVersion }) }),
  ],
  [
    'lists tombstones among the keys',
    'TS50',
    (store) => ({
      async *keys(filter) {
        yield* store.keys(filter)
        yield* store.tombstones?.(filter) ?? []
      },
    }),
  ],
  [
    'writes over a tombstone although something has to be absent',
    'TS54',
    (store) => ({
      async set(key, input, options) {
        const absent = (await store.get(key)) === undefined
        const plain = absent && options !== undefined && 'ifAbsent' in options
        return store.set(key, input, plain ? undefined : options)
      },
    }),
  ],
  [
    'claims to have no tombstones and leaves them all the same',
    'TS51',
    (store) => ({ capabilities: { ...store.capabilities, tombstone: false } }),
  ],
  [
    'tells of changes after nobody listens any more',
    'TS60',
    (store) => ({
      watch(onChange) {
        store.watch?.(onChange)
        return () => undefined
      },
    }),
  ],
  [
    'remembers what it was asked to look up again',
    'TS61',
    (store) => {
      const remembered = new Map<string, Credential | undefined>()
      return {
        async get(key) {
          const id = JSON.stringify(key)
          const found = remembered.get(id) ?? (await store.get(key))
          remembered.set(id, found)
          return found
        },
      }
    },
  ],
  ['stays open after close', 'TS13', () => ({ close: async () => {} })],
]

describe('tokenStoreContract', () => {
  it('has unique ids and titles', () => {
    expect(new Set(tokenStoreContract.map(({ id }) => id)).size).toBe(tokenStoreContract.length)
    expect(new Set(tokenStoreContract.map(({ title }) => title)).size).toBe(
      tokenStoreContract.length,
    )
  })

  it.each(breaks)('catches a store that %s', async (_what, id, breakStore) => {
    expect(await failingCases(breakStore)).toContain(id)
  })
})
