import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import { CredentialRequiredError, isAuthError, type StoreUnavailableError } from '../errors.js'
import type { Principal } from '../principal.js'
import { emitWarning } from '../runtime.js'
import { type AuditSink, createCredentialAudit } from './audit.js'
import type { CachedTokenStore } from './cached-token-store.js'
import { type CallerAuthInfo, requirePrincipal } from './caller.js'
import { isCredentialName, validateCredentialKey } from './credential-key.js'
import { withDeadline } from './deadline.js'
import { createRefresher, type RefreshCredential } from './refresh-credential.js'
import type { Credential, CredentialKey, TokenStore } from './token-store.js'

const READ_MILLISECONDS = 2000

/** Options for {@link createCredentials}. */
export interface CredentialsOptions {
  readonly store: TokenStore
  /** The upstream API, for example `coda`. */
  readonly provider: string
  /**
   * `user`: every caller has a credential of their own, named by issuer and subject. `service`: all
   * callers share the server's. No default, since the wrong one would lend one person's access to all.
   */
  readonly per: 'user' | 'service'
  /** Page on which a caller connects the provider; told to callers without a credential. */
  readonly connectUrl?: string | ((principal: Principal) => string) | undefined
  /**
   * Tools whose credential is resolved before the handler runs, so that a store outage is an HTTP
   * 503: exact names, or prefixes with a trailing `*`. Default none.
   */
  readonly resolveFor?: readonly string[] | undefined
  /**
   * Refreshes `oauth2` credentials that have expired or have less than 60 seconds left. Used with
   * stores that can write, compare and lease.
   */
  readonly refresh?: RefreshCredential | undefined
  /**
   * With `per: 'user'`, lends the service credential to callers who have none. Everybody who is let
   * in then acts as the server at the upstream API. Default false.
   */
  readonly dangerouslyFallBackToService?: boolean | undefined
  /** Receives every read and refresh with the caller on whose behalf it happened. */
  readonly audit?: AuditSink | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** Outcome of {@link Credentials.resolve}. */
export type CredentialResolution =
  | { readonly kind: 'found'; readonly credential: Credential }
  /** Nothing usable is stored: the caller has to connect. */
  | { readonly kind: 'required'; readonly error: CredentialRequiredError }
  /** The store or the upstream cannot be asked now: retry, and never ask the caller to connect. */
  | { readonly kind: 'unavailable'; readonly error: StoreUnavailableError }

/** Upstream credentials of one provider. Made by {@link createCredentials}. */
export interface Credentials {
  readonly provider: string
  readonly resolveFor: readonly string[]
  /** Tells whether `resolveFor` names a tool. */
  matches(toolName: string): boolean
  /**
   * Finds the credential for the caller of this request. Takes the auth info that the MCP SDK hands to
   * a handler, or a verified {@link Principal}. The caller's own access token is never read.
   *
   * @throws {@link CredentialRequiredError} when none is stored, or it has expired and cannot be
   *   refreshed; carries `connectUrl`.
   * @throws {@link StoreUnavailableError} when the store did not answer within 2 seconds, or a needed
   *   refresh failed.
   * @throws {@link StoreIntegrityError} when the stored value is damaged.
   * @throws {@link StoreInvalidError} when there is no verified caller.
   */
  for(
    caller: Principal | CallerAuthInfo | undefined,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Credential>
  /**
   * The same for a guard that answers before the handler: absence and outage are values. Rejects with
   * anything else, such as a damaged value.
   */
  resolve(
    principal: Principal,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<CredentialResolution>
}

const isFunction = (value: unknown) => typeof value === 'function'
const isStore = (value: unknown) =>
  typeof value === 'object' && value !== null && isFunction(Reflect.get(value, 'get'))

const Options = z.strictObject({
  store: z.custom<TokenStore>(isStore, { error: 'must be a TokenStore' }),
  provider: z.custom<string>(isCredentialName, {
    error: 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
  }),
  per: z.enum(['user', 'service'], { error: 'must be "user" or "service"; there is no default' }),
  connectUrl: z.optional(
    z.custom<string | ((principal: Principal) => string)>(
      (value) =>
        isFunction(value) ||
        (typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)),
      { error: 'must be an http(s) URL or a function that returns one' },
    ),
  ),
  resolveFor: z._default(
    z.array(
      z.string().check(
        z.regex(/^(?:[^*]+\*?|\*)$/, {
          error: 'must be a tool name or a prefix with a trailing "*"',
        }),
      ),
    ),
    [],
  ),
  refresh: z.optional(z.custom<RefreshCredential>(isFunction, { error: 'must be a function' })),
  dangerouslyFallBackToService: z._default(z.boolean({ error: 'must be a boolean' }), false),
  audit: z.optional(
    z.custom<AuditSink>(
      (value) =>
        typeof value === 'object' && value !== null && isFunction(Reflect.get(value, 'record')),
      { error: 'must be an AuditSink' },
    ),
  ),
  now: z.optional(z.custom<() => number>(isFunction, { error: 'must be a function' })),
})

function createMatcher(patterns: readonly string[]): (toolName: string) => boolean {
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith('*')))
  const prefixes = patterns.filter((each) => each.endsWith('*')).map((each) => each.slice(0, -1))
  return (toolName) => names.has(toolName) || prefixes.some((prefix) => toolName.startsWith(prefix))
}

/**
 * Creates the way from a verified caller to a credential for one upstream API.
 *
 * A lookup per user never falls back to the service credential, and a machine caller has a credential
 * of its own under its issuer and subject. Put {@link cachedTokenStore} in front of a remote store.
 *
 * @example
 * ```ts
 * const coda = createCredentials({ store: memoryTokenStore(), provider: 'coda', per: 'service' })
 * const { secret } = await coda.for(ctx.http.authInfo)
 * ```
 *
 * @throws {@link ConfigurationError} at once, when an option is missing or malformed.
 */
export function createCredentials(options: CredentialsOptions): Credentials {
  const settings = parseOptions('createCredentials', Options, options)
  const { store, provider, per, connectUrl, refresh, audit, now = Date.now } = settings
  const fallsBack = settings.dangerouslyFallBackToService
  checkOptions(
    'createCredentials',
    fallsBack && per === 'service'
      ? [{ path: 'dangerouslyFallBackToService', message: 'has no meaning with per: "service"' }]
      : [],
  )
  if (fallsBack) {
    emitWarning(
      `callers without a ${JSON.stringify(provider)} credential use the one of the service`,
      'MCP_AUTH_FALLS_BACK_TO_SERVICE',
    )
  }

  const serviceKey = validateCredentialKey({ provider, owner: { kind: 'service' } })
  const record = createCredentialAudit(audit, { store: 'credentials', now })
  const resolveFor = Object.freeze([...settings.resolveFor])

  function required(principal: Principal): CredentialRequiredError {
    const url = typeof connectUrl === 'function' ? connectUrl(principal) : connectUrl
    return new CredentialRequiredError(provider, url)
  }

  function keyOf({ issuer, subject }: Principal): CredentialKey {
    if (per === 'service') return serviceKey
    return validateCredentialKey({ provider, owner: { kind: 'user', issuer, subject } })
  }

  const ensureFresh = createRefresher({
    store,
    refresh,
    now,
    required,
    written: (key, { version }, actor) =>
      void record(key, { operation: 'write', outcome: 'done', version, actor: actorOf(actor) }),
  })

  async function read(key: CredentialKey, principal: Principal, signal: AbortSignal | undefined) {
    const actor = actorOf(principal)
    try {
      // Saves the timer of the deadline where no waiting can happen.
      const cached = 'peek' in store ? (store as CachedTokenStore).peek(key) : undefined
      const credential =
        cached ??
        (await withDeadline(READ_MILLISECONDS, signal, (each) => store.get(key, { signal: each })))
      const outcome = credential === undefined ? 'absent' : 'done'
      void record(key, { operation: 'read', outcome, version: credential?.version, actor })
      return credential
    } catch (error) {
      const reason = isAuthError(error) ? error.code : 'unknown'
      void record(key, { operation: 'read', outcome: 'failed', reason, actor })
      throw error
    }
  }

  async function find(principal: Principal, signal: AbortSignal | undefined): Promise<Credential> {
    let key = keyOf(principal)
    let credential = await read(key, principal, signal)
    if (credential === undefined && fallsBack) {
      key = serviceKey
      credential = await read(key, principal, signal)
    }
    if (credential === undefined) throw required(principal)
    return ensureFresh(key, credential, principal, signal)
  }

  return {
    provider,
    resolveFor,
    matches: createMatcher(resolveFor),
    for: async (caller, options) => find(requirePrincipal(caller), options?.signal),
    async resolve(principal, options) {
      try {
        const credential = await find(requirePrincipal(principal), options?.signal)
        return { kind: 'found', credential }
      } catch (error) {
        if (!isAuthError(error)) throw error
        if (error.code === 'ERR_CREDENTIAL_REQUIRED') {
          return { kind: 'required', error: error as CredentialRequiredError }
        }
        if (error.code === 'ERR_STORE_UNAVAILABLE') {
          return { kind: 'unavailable', error: error as StoreUnavailableError }
        }
        throw error
      }
    },
  }
}

function actorOf({ issuer, subject, clientId }: Principal) {
  return { issuer, subject, ...(clientId !== undefined && { clientId }) }
}
