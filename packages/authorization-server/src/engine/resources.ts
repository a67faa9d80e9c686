/** One protected resource with its scopes. */
export interface ResourceDefinition {
  /** Identifier as configured; the `aud` of its tokens. */
  readonly resource: string
  /** Scope to description. */
  readonly scopes: ReadonlyMap<string, string>
  /** Granted to clients that ask for none. */
  readonly defaultScopes: readonly string[]
}

/** The configured resources. */
export interface Resources {
  readonly all: readonly ResourceDefinition[]
  /** The one that is meant when a client names none; `undefined` when there are several. */
  readonly only: ResourceDefinition | undefined
  /** Finds a resource by any spelling of its identifier. */
  find(identifier: string): ResourceDefinition | undefined
}

/** Scopes about the person; they belong to no resource. */
export const IDENTITY_SCOPES = ['openid', 'offline_access', 'email', 'profile'] as const

/**
 * Canonical form of a resource identifier: scheme and host in lower case, no default port, and no
 * difference between an origin with and without its slash.
 *
 * @see RFC 8707 section 2 - a fragment is not allowed
 */
export function canonicalResource(identifier: string): string | undefined {
  if (!URL.canParse(identifier) || identifier.includes('#')) return undefined
  const url = new URL(identifier)
  if (url.username !== '' || url.password !== '') return undefined
  const path = url.pathname.replace(/\/$/, '')
  return `${url.protocol}//${url.host}${path}${url.search}`
}

/** Builds the lookup of resources from the option `resources`. */
export function createResources(
  options: Readonly<
    Record<
      string,
      {
        readonly scopes: Readonly<Record<string, string>>
        readonly defaultScopes?: readonly string[] | undefined
      }
    >
  >,
): Resources {
  const all = Object.entries(options).map(([resource, { scopes, defaultScopes }]) => ({
    resource,
    scopes: new Map(Object.entries(scopes)),
    defaultScopes: defaultScopes ?? Object.keys(scopes),
  }))
  const byName = new Map(all.map((each) => [each.resource, each]))
  const byCanonical = new Map(all.map((each) => [canonicalResource(each.resource), each]))
  return {
    all,
    only: all.length === 1 ? all[0] : undefined,
    find(identifier) {
      const named = byName.get(identifier)
      if (named !== undefined) return named
      const canonical = canonicalResource(identifier)
      return canonical === undefined ? undefined : byCanonical.get(canonical)
    },
  }
}
