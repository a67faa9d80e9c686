import type { ConfigurationProblem } from '../errors.js'

// RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Whether a text is one scope token of RFC 6749 section 3.3. */
export function isScopeToken(value: string): boolean {
  return value.length <= 256 && SCOPE_TOKEN.test(value)
}

/** Scopes that each scope includes, with everything that those include in turn. */
export type ScopeHierarchy = ReadonlyMap<string, readonly string[]>

/**
 * Builds the transitive closure of `implies`. Cycles are harmless: scopes that imply each other are
 * equal.
 */
export function createScopeHierarchy(
  implies: Readonly<Record<string, readonly string[]>>,
): ScopeHierarchy {
  const hierarchy = new Map<string, readonly string[]>()
  const direct = new Map(Object.entries(implies))
  for (const scope of direct.keys()) {
    const reached = new Set<string>()
    const pending = [...(direct.get(scope) ?? [])]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (reached.has(next)) continue
      reached.add(next)
      pending.push(...(direct.get(next) ?? []))
    }
    hierarchy.set(scope, [...reached])
  }
  return hierarchy
}

/** All scopes that a set of granted scopes is worth (MCP 2026-07-28: hierarchy must be honoured). */
export function expandScopes(
  granted: readonly string[],
  hierarchy: ScopeHierarchy,
): ReadonlySet<string> {
  const expanded = new Set(granted)
  if (hierarchy.size > 0) {
    for (const scope of granted) {
      for (const implied of hierarchy.get(scope) ?? []) expanded.add(implied)
    }
  }
  return expanded
}

/** Whether every required scope is there. Compares whole tokens, never substrings. */
export function coversScopes(held: ReadonlySet<string>, required: readonly string[]): boolean {
  for (const scope of required) if (!held.has(scope)) return false
  return true
}

/** Reports scope lists that are not made of scope tokens, or that a resource must not ask for. */
export function checkScopeList(path: string, scopes: readonly string[]): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  scopes.forEach((scope, index) => {
    if (!isScopeToken(scope)) {
      problems.push({
        path: `${path}[${index}]`,
        message: 'is not a scope token (RFC 6749 section 3.3): no blanks, quotes or backslashes',
      })
    } else if (scope === 'offline_access') {
      problems.push({
        path: `${path}[${index}]`,
        message: 'offline_access is between client and authorization server; remove it',
      })
    }
  })
  return problems
}
