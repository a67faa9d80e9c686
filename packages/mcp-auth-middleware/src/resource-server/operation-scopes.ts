import type { ConfigurationProblem } from '../errors.js'
import { checkScopeList, coversScopes, createScopeHierarchy, expandScopes } from './scope.js'

/** Scopes that requests need, for the endpoint and for single MCP operations. */
export interface ScopeOptions {
  /** Needed by every request. Default none. */
  readonly required?: readonly string[] | undefined
  /**
   * Asked for in the challenge of a 401, and published unless `scopesSupported` says otherwise.
   * Default `required`. List more where clients cannot step up later: several refresh with the scopes
   * that they have and give up at the first 403.
   */
  readonly initial?: readonly string[] | undefined
  /** Needed beside `required` by single tools. A trailing `*` matches a prefix; exact names win. */
  readonly tools?: Readonly<Record<string, readonly string[]>> | undefined
  /** Needed by every tool that `tools` does not name. Mandatory beside `tools`. */
  readonly otherTools?: readonly string[] | undefined
  /** The same for resources, by URI. */
  readonly resources?: Readonly<Record<string, readonly string[]>> | undefined
  /** Mandatory beside `resources`. */
  readonly otherResources?: readonly string[] | undefined
  /** The same for prompts, by name. */
  readonly prompts?: Readonly<Record<string, readonly string[]>> | undefined
  /** Mandatory beside `prompts`. */
  readonly otherPrompts?: readonly string[] | undefined
  /** Hierarchy: a key includes the scopes listed for it, transitively. */
  readonly implies?: Readonly<Record<string, readonly string[]>> | undefined
}

/** Scopes by operation name: exact names first, then the longest prefix, then everything else. */
export interface OperationScopes {
  scopesOf(name: string | undefined): readonly string[]
}

/** One MCP operation of a message, as far as authorization is concerned. */
export interface Operation {
  readonly kind: 'tools' | 'resources' | 'prompts'
  /** Tool or prompt name, or resource URI; `undefined` when the message does not say it properly. */
  readonly name: string | undefined
}

function createOperationScopes(
  table: Readonly<Record<string, readonly string[]>>,
  others: readonly string[],
): OperationScopes {
  const exact = new Map<string, readonly string[]>()
  const prefixes: [prefix: string, scopes: readonly string[]][] = []
  for (const [name, scopes] of Object.entries(table)) {
    if (name.endsWith('*')) prefixes.push([name.slice(0, -1), scopes])
    else exact.set(name, scopes)
  }
  prefixes.sort(([left], [right]) => right.length - left.length)

  return {
    scopesOf(name) {
      if (name === undefined) return others
      const named = exact.get(name)
      if (named !== undefined) return named
      return prefixes.find(([prefix]) => name.startsWith(prefix))?.[1] ?? others
    },
  }
}

/** Scope tables of one resource server. */
export interface ScopePolicy {
  readonly required: readonly string[]
  /** What a client without a token is told to ask for. */
  readonly initial: readonly string[]
  /** Whether a request's body has to be read to know its scopes. */
  readonly readsMessages: boolean
  /** Whether any scope is asked for anywhere. */
  readonly asksForScopes: boolean
  /** All scopes of a message: the endpoint's and those of each operation, without repeats. */
  scopesFor(operations: readonly Operation[], endpoint: readonly string[]): readonly string[]
}

const KINDS = [
  ['tools', 'otherTools'],
  ['resources', 'otherResources'],
  ['prompts', 'otherPrompts'],
] as const

function checkInitial(path: string, options: ScopeOptions): ConfigurationProblem[] {
  const { initial, required = [], implies = {} } = options
  if (initial === undefined) return []
  const problems = checkScopeList(`${path}.initial`, initial)
  const worth = expandScopes(initial, createScopeHierarchy(implies))
  if (!coversScopes(worth, required)) {
    problems.push({
      path: `${path}.initial`,
      message: 'must cover `required`, or a client that asks for it is refused at once',
    })
  }
  return problems
}

/** Reports scope tables that would leave an operation open by accident. */
export function checkScopeOptions(path: string, options: ScopeOptions): ConfigurationProblem[] {
  const problems = checkScopeList(`${path}.required`, options.required ?? [])
  problems.push(...checkInitial(path, options))
  for (const [kind, others] of KINDS) {
    const table = options[kind]
    const rest = options[others]
    if (table !== undefined && rest === undefined) {
      problems.push({
        path: `${path}.${others}`,
        message: `is required beside ${kind}, so that a new one is never open by accident; use [] to open all others on purpose`,
      })
    }
    for (const [name, scopes] of Object.entries(table ?? {})) {
      problems.push(...checkScopeList(`${path}.${kind}[${JSON.stringify(name)}]`, scopes))
      if (name === '' || name.slice(0, -1).includes('*')) {
        problems.push({
          path: `${path}.${kind}[${JSON.stringify(name)}]`,
          message: 'must be a name, or a prefix followed by one * at its end',
        })
      }
    }
    problems.push(...checkScopeList(`${path}.${others}`, rest ?? []))
  }
  for (const [scope, implied] of Object.entries(options.implies ?? {})) {
    problems.push(...checkScopeList(`${path}.implies`, [scope]))
    problems.push(...checkScopeList(`${path}.implies[${JSON.stringify(scope)}]`, implied))
  }
  return problems
}

/** Builds the scope policy. Call {@link checkScopeOptions} first. */
export function createScopePolicy(options: ScopeOptions): ScopePolicy {
  const required = [...new Set(options.required)]
  const tables = new Map<Operation['kind'], OperationScopes>()
  let asksForScopes = required.length > 0
  for (const [kind, others] of KINDS) {
    const table = options[kind]
    const rest = options[others]
    if (table === undefined && rest === undefined) continue
    tables.set(kind, createOperationScopes(table ?? {}, rest ?? []))
    asksForScopes ||= [...Object.values(table ?? {}), rest ?? []].some((list) => list.length > 0)
  }

  return {
    required,
    initial: options.initial === undefined ? required : [...new Set(options.initial)],
    readsMessages: tables.size > 0,
    asksForScopes,
    scopesFor(operations, endpoint) {
      if (operations.length === 0) return endpoint
      const all = new Set(endpoint)
      for (const { kind, name } of operations) {
        for (const scope of tables.get(kind)?.scopesOf(name) ?? []) all.add(scope)
      }
      return [...all]
    },
  }
}
