import assert from 'node:assert/strict'
import { generateEncryptionKey } from '../../envelope/encryption-keys.js'
import { isAuthError } from '../../errors.js'
import type { CredentialKey, TokenStore } from '../../token-store/token-store.js'
import type { TokenStoreSeed } from '../token-store-contract/context.js'

/** The parts of one stored record, as the backend holds them or decoded from a text encoding. */
export type SealedFields = Readonly<Record<string, Uint8Array | null>>

/** One stored record, seen past the store as whoever has the backend sees it. */
export interface SealedRecord {
  readonly key: CredentialKey
  /**
   * Reads every part that the store reads back and that is or should be authenticated: columns of a
   * row, or one member for a single value.
   */
  read(): Promise<SealedFields>
  /**
   * Replaces the parts that are given and keeps the others. Resolves `false`, with nothing changed,
   * when the backend cannot hold such a value, for example because of a constraint.
   */
  write(fields: SealedFields): Promise<boolean>
}

/** Where something lies inside of {@link SealedFields}. */
export interface SealedPart {
  readonly field: string
  /** Bytes from the start of the field. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
}

/** Layout of one record. */
export interface SealedParts {
  /** Names the key-encryption key. A flipped bit there may name a key that is not configured. */
  readonly keyId: SealedPart
  /** Every initialisation vector. */
  readonly ivs: readonly SealedPart[]
  /**
   * Fields from which `keys()` reads whose record it is. While one is damaged, `keys()` yields the
   * sound records and then rejects with `ERR_STORE_INTEGRITY`. Default none.
   */
  readonly identity?: readonly string[] | undefined
}

/** Options with which a case creates a store. */
export interface SealedStoreOptions {
  /** Key-encryption keys, 32 bytes in base64 each; the first one is the current key. */
  readonly keys: readonly string[]
  /** Works on the backend of this store. */
  readonly beside?: TokenStore | undefined
  /** Default: that of `beside`, or any. */
  readonly namespace?: string | undefined
}

/** How a case gets its stores and what they wrote. The stores must not answer from a cache. */
export interface SealedStoreContractContext {
  /** Creates a store that holds exactly the seed; with `beside`, on the backend of that one. */
  create(seed: TokenStoreSeed, options: SealedStoreOptions): Promise<TokenStore>
  /** Closes a store and removes what it held. May be called after `close()`. */
  destroy(store: TokenStore): Promise<void>
  /** Everything that the backend of a store holds: tables, logs, names, in any order. */
  dump(store: TokenStore): Promise<Uint8Array>
  /** The records in the namespace of a store. */
  records(store: TokenStore): Promise<readonly SealedRecord[]>
  /** Where things lie in a record that was not damaged. */
  parts(fields: SealedFields): SealedParts
  /**
   * Puts every record under the current key of this store. Without it, cases write every credential
   * again.
   */
  rotate?(store: TokenStore): Promise<void>
  /**
   * How much is tried. `sample` flips one bit of each byte, the next one in each, where `full` flips all
   * eight, and writes 200 equal values in place of 2000: for runs by day over a backend whose reads take
   * milliseconds. Default `full`.
   */
  readonly effort?: 'full' | 'sample' | undefined
}

/** What the cases see: one key of the case is used where they name none. */
export type SealedCaseContext = Omit<SealedStoreContractContext, 'create' | 'destroy'> & {
  create(seed: TokenStoreSeed, options?: Partial<SealedStoreOptions>): Promise<TokenStore>
  /** The key that is used by default. */
  readonly key: string
}

/** One promise of a store that encrypts, as a plain function that throws when it is not kept. */
export interface SealedStoreContractCase {
  readonly id: string
  readonly title: string
  /** Rejects with what is not kept. */
  run(context: SealedStoreContractContext): Promise<void>
}

/** Builds a case that destroys every store it created, also when it fails. */
export function sealedCase(
  id: string,
  title: string,
  run: (context: SealedCaseContext) => Promise<void>,
): SealedStoreContractCase {
  return {
    id,
    title,
    async run(context) {
      const created: TokenStore[] = []
      const key = generateEncryptionKey()
      try {
        const { rotate, effort } = context
        await run({
          key,
          dump: (store) => context.dump(store),
          records: (store) => context.records(store),
          parts: (fields) => context.parts(fields),
          ...(rotate && { rotate: (store: TokenStore) => rotate.call(context, store) }),
          effort,
          async create(seed, options) {
            const store = await context.create(seed, { keys: [key], ...options })
            created.push(store)
            return store
          },
        })
      } finally {
        for (const store of created.reverse()) await context.destroy(store)
      }
    },
  }
}

/** What a read came to: an `ERR_…` code, `absent`, or `value` and the secret. */
export async function readOutcome(store: TokenStore, key: CredentialKey): Promise<string> {
  try {
    const found = await store.get(key)
    return found === undefined ? 'absent' : `value ${found.secret}`
  } catch (error) {
    assert.ok(isAuthError(error), `a read threw ${String(error)}`)
    const shown = `${error.stack} ${String(error.cause)}`
    assert.ok(!shown.includes('canary'), 'an error shows a secret')
    return error.code
  }
}

/** Finds the one record of a key. */
export async function recordOf(
  context: Pick<SealedStoreContractContext, 'records'>,
  store: TokenStore,
  key: CredentialKey,
): Promise<SealedRecord> {
  const wanted = JSON.stringify(key)
  const found = (await context.records(store)).filter((each) => JSON.stringify(each.key) === wanted)
  const [record] = found
  assert.ok(
    record !== undefined && found.length === 1,
    'there is not exactly one record of the key',
  )
  return record
}

/** The bytes of one part of a record. */
export function bytesOf(fields: SealedFields, { field, offset, length }: SealedPart): Buffer {
  const bytes = fields[field]
  assert.ok(bytes instanceof Uint8Array, `the record has no field ${field}`)
  assert.ok(bytes.length >= offset + length, `the field ${field} is too short`)
  return Buffer.from(bytes.subarray(offset, offset + length))
}

/** Tells whether two values of one field are the same. */
export function isSameField(one: Uint8Array | null | undefined, other: typeof one): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    return Buffer.compare(one, other) === 0
  }
  return one === other
}
