import type {
  Operation,
  ScopeOptions,
} from '../../../../packages/mcp-auth-middleware/src/resource-server/operation-scopes.js'

/** One request of one caller to a server with one table of scopes. */
export interface ScopeCase {
  readonly options: ScopeOptions
  readonly granted: readonly string[]
  readonly operations: readonly Operation[]
}

/** Whether the request is let through, and which scopes its challenge names otherwise. */
export type ScopeAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly challenge: readonly string[] }

/** Decides about a request. */
export type ScopeDecision = (request: ScopeCase) => ScopeAnswer | Promise<ScopeAnswer>

/** The rules that {@link decideBy} is made of; a test replaces one to make a wrong decision. */
export interface ScopeRules {
  hold(granted: readonly string[], options: ScopeOptions): ReadonlySet<string>
  need(operation: Operation, options: ScopeOptions): readonly string[]
  satisfies(held: ReadonlySet<string>, needed: readonly string[]): boolean
  challenge(needed: readonly string[], held: ReadonlySet<string>): readonly string[]
}

const TABLES = {
  tools: 'otherTools',
  resources: 'otherResources',
  prompts: 'otherPrompts',
} as const

/** RFC 6749 section 3.3 and MCP 2026-07-28: whole tokens, and a scope is worth what it implies. */
export const RULES: ScopeRules = {
  hold(granted, { implies = {} }) {
    const held = new Set(granted)
    // Naive on purpose: as many rounds as there are scopes reach every end.
    for (let round = 0; round <= Object.keys(implies).length; round++) {
      for (const [scope, implied] of Object.entries(implies)) {
        if (held.has(scope)) for (const each of implied) held.add(each)
      }
    }
    return held
  },
  need({ kind, name }, options) {
    const table = options[kind] ?? {}
    const others = options[TABLES[kind]] ?? []
    if (name === undefined) return others
    if (Object.hasOwn(table, name) && !name.endsWith('*')) return table[name] ?? []
    let best: string | undefined
    for (const pattern of Object.keys(table)) {
      const matches = pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))
      if (matches && pattern.length > (best?.length ?? 0)) best = pattern
    }
    return best === undefined ? others : (table[best] ?? [])
  },
  satisfies: (held, needed) => needed.every((scope) => held.has(scope)),
  challenge: (needed) => needed,
}

/** Decides by rules that are written down one by one. */
export function decideBy(rules: ScopeRules): (request: ScopeCase) => ScopeAnswer {
  return ({ options, granted, operations }) => {
    const needed = [
      ...(options.required ?? []),
      ...operations.flatMap((operation) => rules.need(operation, options)),
    ]
    const held = rules.hold(granted, options)
    return rules.satisfies(held, needed)
      ? { kind: 'accepted' }
      : { kind: 'refused', challenge: rules.challenge([...new Set(needed)], held) }
  }
}
