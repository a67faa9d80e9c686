import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import type { JsonObject } from '../jwt/compact-jws.js'
import { remoteUrlProblem } from '../jwt/remote-url.js'
import { createLruMap, type LruEntry } from '../lru-map.js'
import type { Principal } from '../principal.js'
import { sharesPromises } from '../runtime.js'
import { createIntrospectionClient, type IntrospectionResult } from './introspection-client.js'
import { judgeIntrospection } from './introspection-response.js'
import type { TokenValidator, ValidatorHost, Verdict } from './validator.js'
import {
  grantScopesOption,
  identifierOption,
  type VerificationOptions,
  verificationOptions,
} from './verification-options.js'

/** Options of {@link introspection}. */
export interface IntrospectionOptions extends VerificationOptions {
  /** Issuer identifier, byte-equal to the `issuer` of its metadata. */
  readonly issuer: string
  /** URL of the introspection endpoint. Default: read from the issuer's metadata on first use. */
  readonly endpoint?: string | undefined
  /** Our own client at that server, not the client that presents tokens. */
  readonly clientId: string
  /** Required unless `authMethod` is `none`. */
  readonly clientSecret?: string | undefined
  /** How we authenticate there. Default `client_secret_basic`. `none` sends the client id only. */
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post' | 'none' | undefined
  /** Accepted `aud` values. Default: the resource that the request is for. */
  readonly audience?: string | readonly string[] | undefined
  /**
   * OAuth clients whose tokens are accepted. Without `audience` this list is the binding, for servers
   * that report no `aud`.
   */
  readonly clientIds?: readonly string[] | undefined
  /** Prefixes of this server's tokens, such as `oat_`. Default: every token that is no JWT. */
  readonly prefixes?: readonly string[] | undefined
  /** Also takes JWTs whose `iss` is `issuer`, so that revocation is seen. Default `false`. */
  readonly acceptsJwt?: boolean | undefined
  /** Tells access tokens from others by the response: a snake_case reason to refuse, or `undefined`. */
  readonly tokenKind?: ((response: JsonObject) => string | undefined) | undefined
  /** Scopes of a caller, in place of those of the response. Default: its `scope`. */
  readonly grantScopes?: ((principal: Principal) => readonly string[]) | undefined
  /** Reuse of a positive answer, in seconds, at most 30. Default 0: every request is asked about. */
  readonly cacheSeconds?: number | undefined
  /** Reuse of a refusal, in seconds, at most 30. Default 5. */
  readonly negativeCacheSeconds?: number | undefined
  /** Calls to the endpoint at once; more requests are answered as unavailable. Default 20. */
  readonly maxInFlight?: number | undefined
  /** Time for one answer, discovery included, in milliseconds, at most 10,000. Default 2000. */
  readonly timeout?: number | undefined
  /** Accepts tokens for any audience of any client. Reported as a warning. Default `false`. */
  readonly dangerouslyAcceptAnyAudience?: boolean | undefined
}

const remoteUrl = z.string().check(
  z.superRefine((text, context) => {
    const message = remoteUrlProblem(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  }),
)

const cacheSeconds = z
  .int('must be whole seconds')
  .check(z.minimum(0), z.maximum(30, 'must be at most 30 s'))

const Options = z.strictObject({
  issuer: remoteUrl.check(z.refine((text) => !text.includes('?'), 'must not have a query')),
  endpoint: z.optional(remoteUrl),
  clientId: z.string().check(z.regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')),
  clientSecret: z.optional(
    z
      .string()
      .check(
        z.regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'must be printable ASCII, not blank'),
      ),
  ),
  authMethod: z._default(
    z.enum(['client_secret_basic', 'client_secret_post', 'none']),
    'client_secret_basic',
  ),
  audience: z.optional(
    z.union([identifierOption, z.array(identifierOption).check(z.minLength(1, 'is empty'))]),
  ),
  clientIds: z.optional(z.array(identifierOption).check(z.minLength(1, 'must not be empty'))),
  prefixes: z.optional(
    z
      .array(z.string().check(z.regex(/^[A-Za-z0-9\-._~+/]+$/, 'cannot begin a Bearer token')))
      .check(z.minLength(1, 'must not be empty')),
  ),
  acceptsJwt: z._default(z.boolean(), false),
  tokenKind: z.optional(
    z.custom<(response: JsonObject) => string | undefined>(
      (value) => typeof value === 'function',
      'must be a function',
    ),
  ),
  grantScopes: grantScopesOption,
  cacheSeconds: z._default(cacheSeconds, 0),
  negativeCacheSeconds: z._default(cacheSeconds, 5),
  maxInFlight: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 20),
  timeout: z._default(z.int().check(z.minimum(1), z.maximum(10_000)), 2000),
  dangerouslyAcceptAnyAudience: z._default(z.boolean(), false),
  ...verificationOptions,
})

type Parsed = z.infer<typeof Options>

interface Refusal extends LruEntry<Refusal> {
  readonly verdict: Verdict
  readonly storedAt: number
}

/** Time between two reports of the same misconfiguration, in milliseconds. */
const REPORT_INTERVAL = 60_000

const MAX_NEGATIVE_ENTRIES = 10_000

function checkTogether(options: Parsed): void {
  const { authMethod, clientSecret, audience, clientIds, dangerouslyAcceptAnyAudience } = options
  const problems = []
  if (authMethod === 'none' && clientSecret !== undefined) {
    problems.push({ path: 'clientSecret', message: 'is never sent with authMethod "none"' })
  }
  if (authMethod !== 'none' && clientSecret === undefined) {
    problems.push({ path: 'clientSecret', message: `is required for authMethod "${authMethod}"` })
  }
  if (dangerouslyAcceptAnyAudience && (audience !== undefined || clientIds !== undefined)) {
    const message = 'contradicts audience and clientIds'
    problems.push({ path: 'dangerouslyAcceptAnyAudience', message })
  }
  checkOptions('introspection', problems)
}

/** The binding, from the options that are about it. */
function bindingOf(options: Parsed): {
  readonly audiences: readonly string[] | 'resources' | null
  readonly resourceBinding: TokenValidator['resourceBinding']
} {
  const { audience, clientIds } = options
  if (options.dangerouslyAcceptAnyAudience) return { audiences: null, resourceBinding: 'none' }
  if (audience !== undefined) return { audiences: [audience].flat(), resourceBinding: 'audience' }
  return clientIds === undefined
    ? { audiences: 'resources', resourceBinding: 'audience' }
    : { audiences: null, resourceBinding: 'client' }
}

/**
 * Accepts tokens that the issuer's introspection endpoint calls active and that are meant for this
 * resource.
 *
 * Every answer is judged like a token: `iss`, `aud` or the client, `exp`, `nbf`, `iat`, `token_type`,
 * `cnf`, `sub` and `scope`. A token without `sub` belongs to its client, a service. An endpoint that
 * is slow, broken or refuses our own credential makes a request unavailable (503), never rejected.
 * Answers are asked for on every request unless `cacheSeconds` is set, which delays revocation by as
 * much; equal tokens at the same time share one call.
 *
 * @example
 * ```ts
 * introspection({
 *   issuer: 'https://login.example.com',
 *   clientId: 'mcp-server',
 *   clientSecret: process.env.OIDC_INTROSPECTION_SECRET,
 *   prefixes: ['oat_'],
 * })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing, malformed or contradicts another.
 * @see RFC 7662 - OAuth 2.0 token introspection
 */
export function introspection(options: IntrospectionOptions): TokenValidator {
  const parsed = parseOptions('introspection', Options, options)
  checkTogether(parsed)
  const { issuer, prefixes, maxInFlight } = parsed
  const { audiences, resourceBinding } = bindingOf(parsed)
  const rules = { ...parsed, audiences }
  const ask = createIntrospectionClient({
    ...parsed,
    fetch: parsed.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: parsed.now ?? Date.now,
  })

  // Keyed by digest and resource, never by token: what is refused here may be good elsewhere.
  const refusals = createLruMap<Refusal>(MAX_NEGATIVE_ENTRIES)
  const refusalLifetime = parsed.negativeCacheSeconds * 1000
  const inFlight = new Map<string, Promise<IntrospectionResult>>()
  const reportedAt = new Map<string, number>()
  const hosts = new Set<ValidatorHost>()
  const resources = new Set<string>()

  const report = (reason: string, message: string, now: number): void => {
    const last = reportedAt.get(reason)
    if (last !== undefined && Math.abs(now - last) < REPORT_INTERVAL) return
    reportedAt.set(reason, now)
    for (const host of hosts) {
      try {
        host.report({
          kind: 'issuer-misconfigured',
          validator: 'introspection',
          issuer,
          reason,
          message,
        })
      } catch {
        // A listener that fails must not turn an outage into an internal error.
      }
    }
  }

  /** One call per token at a time; `undefined` when too many are under way. */
  const askOnce = (token: string, digest: string): Promise<IntrospectionResult> | undefined => {
    // Where requests cannot wait for each other, they cannot count each other reliably either.
    if (!sharesPromises()) return ask(token)
    const shared = inFlight.get(digest)
    if (shared !== undefined) return shared
    if (inFlight.size >= maxInFlight) return undefined
    const call = ask(token).finally(() => inFlight.delete(digest))
    inFlight.set(digest, call)
    return call
  }

  return {
    name: 'introspection',
    selects: {
      issuers: parsed.acceptsJwt ? [issuer] : undefined,
      prefixes,
      opaque: prefixes === undefined,
    },
    authorizationServers: [issuer],
    scopeSource: parsed.grantScopes === undefined ? 'token' : 'granted',
    resourceBinding,
    async validate(credential, { resource, digest, now }) {
      const key = `${digest} ${resource}`
      const known = refusals.get(key)
      const age = known === undefined ? Number.NaN : now - known.storedAt
      // A clock that was set back makes the age negative; the entry must not live on until then.
      if (known !== undefined && age >= 0 && age < refusalLifetime) return known.verdict

      const call = askOnce(credential, digest)
      if (call === undefined) {
        return { kind: 'unavailable', retryAfterSeconds: 1, reason: 'introspection_busy' }
      }
      const result = await call
      if (!result.ok) {
        const { reason, retryAfterSeconds, misconfigured } = result
        if (misconfigured !== undefined) report(reason, misconfigured, now)
        return { kind: 'unavailable', retryAfterSeconds, reason: `introspection_${reason}` }
      }

      const verdict = judgeIntrospection(result.response, rules, { resource, resources, now })
      if (verdict.kind !== 'accepted' && refusalLifetime > 0) {
        refusals.set({ key, verdict, storedAt: now, older: undefined, newer: undefined })
      }
      return verdict
    },
    attach(host) {
      hosts.add(host)
      for (const resource of host.resources) resources.add(resource)
      if (resourceBinding !== 'none') return
      host.report({
        kind: 'warning',
        validator: 'introspection',
        issuer,
        reason: 'no_resource_binding',
        message:
          'dangerouslyAcceptAnyAudience: tokens for other resource servers are accepted here',
      })
    },
  }
}
