import { expandScopes, type ScopeHierarchy } from './scope.js'

/** The scopes of a principal. Shared by all principals that have the same in the same order. */
export interface GrantedScopes {
  /** As granted, without repeats. Frozen. */
  readonly scopes: readonly string[]
  /** With the implied ones. Never changed. */
  readonly expanded: ReadonlySet<string>
}

/** Tells what granted scope tokens are worth for one resource. */
export type ScopeReader = (granted: readonly string[]) => GrantedScopes

const MAX_LISTS = 256
const MAX_LENGTH = 1024

/**
 * Creates a reader that gives equal lists the same arrays and sets, which are a third of what a cached
 * token would hold otherwise. Remembers up to 256 lists of up to 1024 characters.
 */
export function createScopeReader(hierarchy: ScopeHierarchy): ScopeReader {
  const known = new Map<string, GrantedScopes>()
  return (granted) => {
    // No scope token has a blank, so different lists are different texts.
    const text = granted.join(' ')
    const held = known.get(text)
    if (held !== undefined) return held
    const scopes = Object.freeze([...new Set(granted)])
    const read: GrantedScopes = Object.freeze({ scopes, expanded: expandScopes(scopes, hierarchy) })
    if (text.length <= MAX_LENGTH) {
      if (known.size >= MAX_LISTS) known.clear()
      known.set(text, read)
    }
    return read
  }
}
