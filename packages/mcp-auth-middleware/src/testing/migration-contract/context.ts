import assert from 'node:assert/strict'
import { ConfigurationError } from '../../errors.js'
import { credentialKeyId } from '../../token-store/credential-key.js'
import { credentialDigest } from '../../token-store/migration/credential-digest.js'
import type { Credential, CredentialKey, TokenStore } from '../../token-store/token-store.js'
import type { OptionalCredentialMember, TokenStoreSeed } from '../token-store-contract/context.js'

/** The store that is moved away from and the one that is moved to. Neither is a cache. */
export interface StorePair {
  readonly from: TokenStore
  readonly to: TokenStore
}

/** How a case gets its stores. Cases may run at the same time when every pair is independent. */
export interface MigrationContractContext {
  /** Creates a store that holds exactly the seed, and an empty one. */
  createPair(seed: TokenStoreSeed): Promise<StorePair>
  /** Closes both stores and removes what they held. */
  destroyPair(pair: StorePair): Promise<void>
  /** Members of a credential that both stores can hold. Default all. */
  readonly members?: readonly OptionalCredentialMember[] | undefined
}

/** One promise of a migration, as a plain function that throws when it is not kept. */
export interface MigrationContractCase {
  readonly id: string
  readonly title: string
  /** Rejects with what is not kept. */
  run(context: MigrationContractContext): Promise<void>
}

/** Builds a case that destroys every pair it created, also when it fails. */
export function migrationCase(
  id: string,
  title: string,
  run: (context: Pick<MigrationContractContext, 'createPair' | 'members'>) => Promise<void>,
): MigrationContractCase {
  return {
    id,
    title,
    async run(context) {
      const created: StorePair[] = []
      try {
        await run({
          members: context.members,
          async createPair(seed) {
            const pair = await context.createPair(seed)
            created.push(pair)
            return pair
          },
        })
      } finally {
        for (const pair of created.reverse()) await context.destroyPair(pair)
      }
    },
  }
}

/** Reads everything in a store: the digest and the version of each credential by key. */
export async function contentOf(
  store: TokenStore,
): Promise<Map<string, { readonly digest: string; readonly version: string }>> {
  const content = new Map<string, { readonly digest: string; readonly version: string }>()
  for await (const key of store.keys()) {
    const credential = await store.get(key)
    assert.ok(credential !== undefined, 'a listed credential is absent')
    const digest = await credentialDigest(credential)
    content.set(credentialKeyId(key), { digest, version: credential.version })
  }
  return content
}

/** Asserts that two stores hold the same credentials under the same keys. */
export async function assertSameContent(one: TokenStore, other: TokenStore): Promise<void> {
  const digests = async (store: TokenStore) =>
    [...(await contentOf(store))].map(([id, { digest }]) => `${id} ${digest}`).sort()
  assert.deepEqual(await digests(other), await digests(one))
}

/** Reads the secret of a key; `undefined` when nothing is stored. */
export async function secretOf(store: TokenStore, key: CredentialKey): Promise<string | undefined> {
  return (await store.get(key))?.secret
}

/** Asserts that a factory refuses its options. */
export function assertRefused(build: () => unknown): void {
  assert.throws(build, (error) => error instanceof ConfigurationError)
}

/** Counts the tombstones of a store. */
export async function countTombstones(store: TokenStore): Promise<number> {
  let count = 0
  if (!store.capabilities.tombstone) return count
  for await (const _key of store.tombstones?.() ?? []) count++
  return count
}

/** Wraps a store so that a test hears of its writes, or ends them with an error. */
export function observeWrites(store: TokenStore, onWrite: () => void): TokenStore {
  const { tombstone, tombstones } = store
  return {
    name: store.name,
    capabilities: store.capabilities,
    get: (key, options) => store.get(key, options),
    async set(key, input, options): Promise<Credential> {
      onWrite()
      return store.set(key, input, options)
    },
    async delete(key, options) {
      onWrite()
      return store.delete(key, options)
    },
    ...(tombstone && { tombstone: (key) => tombstone.call(store, key) }),
    ...(tombstones && { tombstones: (filter) => tombstones.call(store, filter) }),
    keys: (filter) => store.keys(filter),
    check: () => store.check(),
    close: () => store.close(),
  }
}
