import type { TokenStore } from '../token-store.js'
import type { StoreState } from './store-state.js'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A state and the store that holds it. */
export interface HeldState {
  readonly store: TokenStore
  readonly state: StoreState
}

function secondsOf(state: StoreState): number | undefined {
  if (state.kind === 'credential') return state.credential.updatedAt
  return state.kind === 'tombstone' ? state.deletedAt : undefined
}

/**
 * Tells whether one state was certainly written later than the other: by versions where both are
 * UUIDv7, else by whole seconds. A read-only store does not know when its values were changed, so
 * nothing there is certain.
 */
export function isNewer(one: HeldState, other: HeldState): boolean {
  if (!one.store.capabilities.write || !other.store.capabilities.write) return false
  const versions = [one.state.version ?? '', other.state.version ?? ''] as const
  if (versions.every((version) => UUID_V7.test(version))) return versions[0] > versions[1]
  const [first, second] = [secondsOf(one.state), secondsOf(other.state)]
  return first !== undefined && second !== undefined && first > second
}
