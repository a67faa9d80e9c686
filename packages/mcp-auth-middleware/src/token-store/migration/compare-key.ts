import type { CredentialGetOptions, CredentialKey, TokenStore } from '../token-store.js'
import { isSameCredential } from './credential-digest.js'
import { isNewer } from './newer.js'
import { readState, type StoreState } from './store-state.js'

/** Which store is right where they differ; `newer`: the one that was certainly written later. */
export type Preference = 'newer' | 'from' | 'to'

/**
 * How `to` relates to `from` under one key:
 * - `equal`: the same credential.
 * - `missing`: only in `from`, and not deleted in `to`.
 * - `older`: `to` has another credential, and that of `from` is right.
 * - `newer`: `to` has another credential, and it is right.
 * - `different`: another credential, and nothing tells which is right.
 * - `deleted`: not in `to`, where it was deleted, or in neither store.
 * - `undeleted`: `to` still has what was deleted in `from`.
 * - `extra`: only in `to`. Where `from` is right and servers could delete in it, that is `undeleted`.
 */
export type Relation =
  | 'equal'
  | 'missing'
  | 'older'
  | 'newer'
  | 'different'
  | 'deleted'
  | 'undeleted'
  | 'extra'

/** What both stores hold under one key. */
export interface KeyComparison {
  readonly relation: Relation
  /** What `from` holds. */
  readonly source: StoreState
  /** What `to` holds. */
  readonly target: StoreState
}

type Side = 'from' | 'to' | undefined

function relate(source: StoreState, target: StoreState, right: Side, deletes: boolean): Relation {
  if (source.kind === 'none') {
    if (target.kind !== 'credential') return 'deleted'
    return right === 'from' && deletes ? 'undeleted' : 'extra'
  }
  if (source.kind === 'tombstone') {
    if (target.kind !== 'credential') return 'deleted'
    if (right === 'from') return 'undeleted'
    return right === 'to' ? 'newer' : 'different'
  }
  if (target.kind === 'none') return 'missing'
  if (target.kind === 'tombstone') return right === 'from' ? 'older' : 'deleted'
  if (isSameCredential(source.credential, target.credential)) return 'equal'
  if (right === 'from') return 'older'
  return right === 'to' ? 'newer' : 'different'
}

/** Reads one key in both stores, `to` first, so that `from` is at least as recent. Writes nothing. */
export async function compareKey(
  stores: { readonly from: TokenStore; readonly to: TokenStore },
  key: CredentialKey,
  prefer: Preference,
  options: CredentialGetOptions,
): Promise<KeyComparison> {
  const target = await readState(stores.to, key, options)
  const source = await readState(stores.from, key, options)
  const one = { store: stores.from, state: source }
  const other = { store: stores.to, state: target }
  let right: Side
  if (prefer !== 'newer') right = prefer
  else if (isNewer(one, other)) right = 'from'
  else if (isNewer(other, one)) right = 'to'
  const relation = relate(source, target, right, stores.from.capabilities.write)
  return { relation, source, target }
}
