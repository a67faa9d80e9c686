import { type CredentialKey, validateCredentialKey } from '@bestviable/mcp-auth-middleware'
import { type EnvNaming, type EnvUser, hasDerivedVariable, parseNaming } from './options.js'

const SUFFIX = '_API_TOKEN'
const SERVICE_VARIABLE = /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)_API_TOKEN$/
const USER_VARIABLE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_API_TOKEN__[0-9A-F]{16}$/
const FILE_SUFFIX = /_FILE$/
const encoder = new TextEncoder()

/** The mapping between keys and variables, with the options validated. */
export interface VariableNames {
  /** The variable of a key; `undefined` when no variable may hold it. */
  variableFor(key: CredentialKey): Promise<string | undefined>
  /** Variables that the options name, whether they are set or not. */
  readonly declared: ReadonlySet<string>
  /** Tells whether this store owns a variable (without `_FILE`), by its name alone. */
  owns(variable: string): boolean
  /** The provider whose service credential a variable holds by derivation. */
  providerOf(variable: string): string | undefined
  /** Tells whether the name belongs to some user by digest. */
  isUserVariable(variable: string): boolean
}

type ParsedNaming = ReturnType<typeof parseNaming>

async function userSuffix(issuer: string, subject: string): Promise<string> {
  // The length keeps ("a", "bc") and ("ab", "c") apart.
  const text = encoder.encode(`${issuer.length}:${issuer}${subject}`)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text))
  return [...digest.subarray(0, 8)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}

/** Builds the mapping for validated options. */
export function createVariableNames({ prefix, providers, users }: ParsedNaming): VariableNames {
  // A map, so that a provider named `constructor` finds nothing that every object has.
  const named = new Map(Object.entries(providers))
  const declared = new Set(named.values())
  for (const { variable } of users) if (variable !== undefined) declared.add(variable)

  function serviceVariable(provider: string): string | undefined {
    const explicit = named.get(provider)
    if (explicit !== undefined) return explicit
    if (!hasDerivedVariable(provider)) return undefined
    return `${prefix}${provider.toUpperCase().replaceAll('-', '_')}${SUFFIX}`
  }

  function findUser(provider: string, issuer: string, subject: string): EnvUser | undefined {
    return users.find(
      (each) => each.provider === provider && each.issuer === issuer && each.subject === subject,
    )
  }

  function withoutPrefix(variable: string): string | undefined {
    return variable.startsWith(prefix) ? variable.slice(prefix.length) : undefined
  }

  const isUserVariable = (variable: string) => USER_VARIABLE.test(withoutPrefix(variable) ?? '')

  function providerOf(variable: string): string | undefined {
    const name = SERVICE_VARIABLE.exec(withoutPrefix(variable) ?? '')?.[1]
    const provider = name?.toLowerCase().replaceAll('_', '-')
    // A provider with a variable of its own does not have the derived one as well.
    return provider === undefined || named.has(provider) ? undefined : provider
  }

  return {
    declared,
    isUserVariable,
    providerOf,
    owns: (variable) =>
      declared.has(variable) || isUserVariable(variable) || providerOf(variable) !== undefined,
    async variableFor({ provider, owner }) {
      if (owner.kind === 'service') return serviceVariable(provider)
      const { issuer, subject } = owner
      const explicit = findUser(provider, issuer, subject)?.variable
      if (explicit !== undefined) return explicit
      if (!hasDerivedVariable(provider)) return undefined
      const name = provider.toUpperCase().replaceAll('-', '_')
      return `${prefix}${name}${SUFFIX}__${await userSuffix(issuer, subject)}`
    },
  }
}

/** Strips `_FILE`, so that both variants of a variable have one name. */
export function baseVariable(variable: string): string {
  return variable.replace(FILE_SUFFIX, '')
}

/**
 * Tells which variable holds a credential; append `_FILE` to name a file instead.
 *
 * The service credential of `my-api` is `MY_API_API_TOKEN`. A user's own is the same with `__` and the
 * first 16 hex digits of the SHA-256 of issuer and subject. `undefined` when no variable can hold it: a
 * provider with other characters than lower-case letters, digits and single hyphens needs a name in
 * `providers` or `users`.
 *
 * @example
 * ```ts
 * await envVariableFor({
 *   provider: 'coda',
 *   owner: { kind: 'user', issuer: 'https://login.example.com', subject: 'ann' },
 * }) // CODA_API_TOKEN__…
 * ```
 *
 * @throws {@link ConfigurationError} when an option is malformed, and {@link StoreInvalidError} for a
 *   key that no store accepts.
 */
export async function envVariableFor(
  key: CredentialKey,
  options: EnvNaming = {},
): Promise<string | undefined> {
  return createVariableNames(parseNaming(options)).variableFor(validateCredentialKey(key))
}
