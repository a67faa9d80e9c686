import * as z from 'zod/mini'
import type { AuthEventListener } from './events.js'
import type { VerifiedTokenCacheOptions } from './jwt/verified-token-cache.js'
import type { AllowOptions } from './resource-server/allow-list.js'
import type { ScopeOptions } from './resource-server/operation-scopes.js'
import type { PreparedCredentials } from './resource-server/prepared-credentials.js'
import type { ProofOfPossession } from './resource-server/proof-of-possession.js'
import type { ResourceOptions } from './resource-server/resource-options.js'
import type { RevocationSource } from './resource-server/revocation.js'
import type { TokenValidator } from './validators/validator.js'

/** Options of `createMcpAuth` and of the Express middleware `mcpAuth`. */
export interface McpAuthOptions {
  /**
   * Canonical identifier of the protected resource: the exact URL that clients are given, for example
   * `https://coda.example.com/mcp`. Either this or `resources`.
   */
  readonly resource?: string | undefined
  /** Path under which requests for `resource` arrive, when a proxy strips a prefix. */
  readonly localPath?: string | undefined
  /** Several resources by identifier. Only their exact local paths are served. */
  readonly resources?: Readonly<Record<string, ResourceOptions>> | undefined
  /** Which of `resources` the root metadata document describes. Default: none on a shared host. */
  readonly rootMetadata?: string | undefined
  /** Ways in. The credential itself decides which one judges it. */
  readonly validators: readonly TokenValidator[]
  /**
   * Issuers published to clients, byte-equal to their metadata. Clients use the first. Default: the
   * issuer that the validators name; required as soon as they name more than one.
   */
  readonly authorizationServers?: readonly string[] | undefined
  /** Who may come in, for every validator. Default: every caller whom a validator accepts. */
  readonly allow?: AllowOptions | undefined
  readonly scopes?: ScopeOptions | undefined
  /** Scopes to publish. Default `scopes.initial`, else `scopes.required`: keep it minimal. */
  readonly scopesSupported?: readonly string[] | undefined
  /** Exact paths that need no credential, for example `/health`. Default none. */
  readonly publicPaths?: readonly string[] | undefined
  /**
   * Browser origins that may call. Default: loopback origins for a loopback resource; any origin for
   * a public one, but only its own when a validator reads a cookie.
   */
  readonly allowedOrigins?: readonly string[] | undefined
  /**
   * Accepted `Host` values beside the resource's own and, for a loopback resource, loopback ones.
   * Default: no other host for a loopback resource, any for a public one.
   */
  readonly allowedHosts?: readonly string[] | undefined
  /** Human-readable name for the metadata (`resource_name`). */
  readonly resourceName?: string | undefined
  /** Developer page for the metadata (`resource_documentation`). */
  readonly resourceDocumentation?: string | undefined
  /** Extras of the challenge. */
  readonly challenge?:
    | {
        /** Protection space, for example `MCP Server`. Default none. */
        readonly realm?: string | undefined
        /** Repeats the metadata URL as `resource_metadata_uri`, which no standard knows. */
        readonly resourceMetadataUri?: boolean | undefined
      }
    | undefined
  /** Verified-token cache; `false` switches it off. */
  readonly cache?: VerifiedTokenCacheOptions | false | undefined
  /** Upstream credentials that are looked up before the handler of the tools they name. */
  readonly credentials?: readonly PreparedCredentials[] | undefined
  /** Lets tokens in that are bound to a key (RFC 9449): `dpop()` of `./dpop`. Default: they are refused. */
  readonly dpop?: ProofOfPossession | undefined
  /** Asked on every request, cached verdicts included. */
  readonly revocation?: RevocationSource | undefined
  /**
   * Key of `sessionIds`, at least 32 bytes as base64url, the same on all replicas. Default: a random
   * key for this process.
   */
  readonly sessionKey?: string | undefined
  /** Serves the authorization server's metadata to 2025-03-26 clients. Default true. */
  readonly mirrorAuthorizationServer?: boolean | undefined
  /** Longest JSON-RPC body that is read for tool scopes, in bytes. Default 4 MiB. */
  readonly maxMessageBytes?: number | undefined
  /**
   * Most bytes of such bodies in memory at the same time, from before one is read until it is answered.
   * A body that finds no room is left unread and answered 503. Bodies of up to 16 KiB do not count,
   * nor does anything on Workers. Default a sixteenth of the heap limit of the process
   * (`--max-old-space-size`), at least `maxMessageBytes`.
   */
  readonly maxMessageBytesAtOnce?: number | undefined
  readonly onEvent?: AuthEventListener | undefined
  /** Replaces the global `fetch` for the mirror. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const strings = z.readonly(z.array(z.string().check(z.minLength(1, 'must not be empty'))))
const scopeTable = z.readonly(z.record(z.string(), strings))
const callable = z.custom((value) => typeof value === 'function', 'must be a function')

const pageUrl = z
  .string()
  .check(z.refine((value) => URL.canParse(value), 'must be an absolute URL'))

const Scopes = z.strictObject({
  required: z.optional(strings),
  initial: z.optional(strings),
  tools: z.optional(scopeTable),
  otherTools: z.optional(strings),
  resources: z.optional(scopeTable),
  otherResources: z.optional(strings),
  prompts: z.optional(scopeTable),
  otherPrompts: z.optional(strings),
  implies: z.optional(scopeTable),
})

const Resource = z.strictObject({
  localPath: z.optional(z.string()),
  scopes: z.optional(Scopes),
  scopesSupported: z.optional(strings),
  authorizationServers: z.optional(strings),
  name: z.optional(z.string()),
  documentation: z.optional(pageUrl),
})

const Validator = z.looseObject({
  name: z.string(),
  selects: z.looseObject({
    header: z.optional(
      z.looseObject({ name: z.string(), cookie: z.optional(z.string()), wins: z.boolean() }),
    ),
    issuers: z.optional(z.array(z.string())),
    matchesIssuer: z.optional(callable),
    prefixes: z.optional(z.array(z.string())),
    hasDigest: z.optional(callable),
    opaque: z.optional(z.boolean()),
  }),
  authorizationServers: z.array(z.string()),
  scopeSource: z.enum(['token', 'granted', 'none']),
  resourceBinding: z.enum(['audience', 'client', 'none']),
  challengesAtEdge: z.optional(z.boolean()),
  validate: callable,
  recheck: z.optional(callable),
  attach: z.optional(callable),
})

const isValidator = (value: unknown) => Validator.safeParse(value).success

function hasFunctions(...names: readonly string[]): (value: unknown) => boolean {
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'function')
}

/** Shape of {@link McpAuthOptions}; relations between fields are checked afterwards. */
export const McpAuthOptionsSchema = z.strictObject({
  resource: z.optional(z.string()),
  localPath: z.optional(z.string()),
  resources: z.optional(z.record(z.string(), Resource)),
  rootMetadata: z.optional(z.string()),
  validators: z
    .array(
      z.custom<TokenValidator>(
        isValidator,
        'is not a validator; call stytch(…), oidc(…) or implement TokenValidator',
      ),
    )
    .check(z.minLength(1, 'needs at least one validator; without one nobody could come in')),
  authorizationServers: z.optional(strings),
  allow: z.optional(
    z.strictObject({
      emails: z.optional(strings),
      domains: z.optional(strings),
      tenants: z.optional(strings),
      subjects: z.optional(
        z.readonly(
          z.array(
            z.strictObject({
              issuer: z.string().check(z.minLength(1)),
              subject: z.string().check(z.minLength(1)),
            }),
          ),
        ),
      ),
    }),
  ),
  scopes: z.optional(Scopes),
  scopesSupported: z.optional(strings),
  publicPaths: z.optional(
    z.array(
      z
        .string()
        .check(z.regex(/^\/[^?#]*$/, 'must be an exact path that starts with / and has no query')),
    ),
  ),
  allowedOrigins: z.optional(strings),
  allowedHosts: z.optional(
    z.array(
      z
        .string()
        .check(
          z.regex(
            /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/,
            'must be host or host:port',
          ),
        ),
    ),
  ),
  resourceName: z.optional(z.string()),
  resourceDocumentation: z.optional(pageUrl),
  challenge: z.optional(
    z.strictObject({
      realm: z.optional(
        z
          .string()
          .check(
            z.regex(
              /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}$/,
              'must be printable ASCII without quotes or backslashes',
            ),
          ),
      ),
      resourceMetadataUri: z.optional(z.boolean()),
    }),
  ),
  cache: z.optional(
    z.union([
      z.literal(false),
      z.strictObject({
        maxEntries: z.optional(
          z.int('must be a whole number').check(z.minimum(1), z.maximum(10_000_000)),
        ),
        maxAgeSeconds: z.optional(
          z
            .int('must be a whole number')
            .check(z.minimum(1), z.maximum(300, 'must be at most 300 seconds')),
        ),
      }),
    ]),
  ),
  credentials: z.optional(
    z.array(
      z.custom<PreparedCredentials>(
        hasFunctions('matches', 'resolve'),
        'must be made by createCredentials(…)',
      ),
    ),
  ),
  dpop: z.optional(
    z.custom<ProofOfPossession>(hasFunctions('verify', 'offer'), 'must be made by dpop(…)'),
  ),
  revocation: z.optional(
    z.custom<RevocationSource>(hasFunctions('check'), 'must have a check(principal) function'),
  ),
  sessionKey: z.optional(
    z
      .string()
      .check(
        z.regex(
          /^[A-Za-z0-9_-]{43,}$/,
          'must be at least 32 random bytes as base64url (43 characters)',
        ),
      ),
  ),
  mirrorAuthorizationServer: z.optional(z.boolean()),
  maxMessageBytes: z.optional(
    z.int('must be a whole number').check(z.minimum(1024), z.maximum(64 * 1024 * 1024)),
  ),
  maxMessageBytesAtOnce: z.optional(z.int('must be a whole number').check(z.minimum(1024))),
  onEvent: z.optional(callable),
  fetch: z.optional(callable),
  now: z.optional(callable),
})
