import { isAuthError, StoreConflictError } from '../../errors.js'
import type {
  Credential,
  CredentialGetOptions,
  CredentialInput,
  CredentialKey,
  TokenStore,
} from '../token-store.js'

/** What one store holds under one key. */
export type StoreState =
  | { readonly kind: 'credential'; readonly credential: Credential; readonly version: string }
  | { readonly kind: 'tombstone'; readonly deletedAt: number; readonly version: string }
  | { readonly kind: 'none'; readonly version?: undefined }

/** Tells whether a promise was rejected because a condition did not hold. */
export function isConflict(error: unknown): boolean {
  return isAuthError(error) && error.code === 'ERR_STORE_CONFLICT'
}

/** What the backend holds now, not what a store remembers of it. */
const NOW: CredentialGetOptions = { maxAgeSeconds: 0 }

/** Reads what a store holds under a key, tombstones included where it has them. Asks the backend by default. */
export async function readState(
  store: TokenStore,
  key: CredentialKey,
  options: CredentialGetOptions = NOW,
): Promise<StoreState> {
  const credential = await store.get(key, options)
  if (credential !== undefined) {
    return { kind: 'credential', credential, version: credential.version }
  }
  if (!store.capabilities.tombstone) return { kind: 'none' }
  const tombstone = await store.tombstone?.(key, options)
  return tombstone === undefined ? { kind: 'none' } : { kind: 'tombstone', ...tombstone }
}

/**
 * Writes over the state that was read and over no other. Where the store decides no conditions it is
 * read again right before, which leaves a gap of one round trip.
 *
 * @throws {@link StoreConflictError} when the store holds something else by now.
 */
export async function writeOver(
  store: TokenStore,
  key: CredentialKey,
  state: StoreState,
  input: CredentialInput,
): Promise<Credential> {
  const { compareAndSet, createOnly = compareAndSet } = store.capabilities
  if (state.kind === 'none' && createOnly) return store.set(key, input, { ifAbsent: true })
  if (state.kind !== 'none' && compareAndSet) {
    return store.set(key, input, { ifVersion: state.version })
  }
  await requireState(store, key, state)
  return store.set(key, input)
}

/**
 * Deletes the state that was read and no other, as {@link writeOver} writes.
 *
 * @throws {@link StoreConflictError} when the store holds something else by now.
 */
export async function deleteState(
  store: TokenStore,
  key: CredentialKey,
  state: StoreState,
  tombstone: boolean,
): Promise<boolean> {
  const mark = tombstone && store.capabilities.tombstone ? { tombstone: true } : {}
  if (store.capabilities.compareAndSet && state.version !== undefined) {
    return store.delete(key, { ...mark, ifVersion: state.version })
  }
  await requireState(store, key, state)
  return store.delete(key, mark)
}

async function requireState(
  store: TokenStore,
  key: CredentialKey,
  state: StoreState,
): Promise<void> {
  const current = await readState(store, key)
  if (current.version !== state.version) {
    throw new StoreConflictError('the store holds something else by now')
  }
}
