import {
  type AuditSink,
  ConfigurationError,
  type ConfigurationProblem,
  isCredentialName,
} from '@bestviable/mcp-auth-middleware'
import type { KeyProvider } from '@bestviable/mcp-auth-middleware/envelope'
import * as z from 'zod/mini'
import type { InfisicalEventListener } from './events.js'

/** How the store proves who it is. The secrets in it are never shown again. */
export type InfisicalAuth =
  | {
      /** A machine identity with Universal Auth. */
      readonly method: 'universal'
      /** Id of the identity. */
      readonly clientId: string
      /** Secret of the identity. It is never logged. */
      readonly clientSecret: string
    }
  | {
      /** An access token that something else renews. The store cannot log in again when it ends. */
      readonly method: 'access-token'
      /** The token. It is never logged. */
      readonly token: string
    }
  | {
      /** A machine identity with AWS Auth: signs with the AWS credentials of the process. */
      readonly method: 'aws'
      /** Default: the environment variable `INFISICAL_MACHINE_IDENTITY_ID`. */
      readonly identityId?: string | undefined
    }

/** Keys that seal values before they leave the process. Give one of the first two members. */
export interface InfisicalSeal {
  /** Key-encryption keys, base64, comma separated, the current one first. */
  readonly encryptionKeys?: string | undefined
  readonly keyProvider?: KeyProvider | undefined
  /**
   * Also accepts values that are not sealed, for the time in which they are being replaced. Whoever may
   * write to the folder can then plant a credential. Default false.
   */
  readonly dangerouslyAcceptUnsealed?: boolean | undefined
}

/** Options for `infisicalTokenStore`. */
export interface InfisicalTokenStoreOptions {
  /** The server, with its path prefix when it has one. Default `https://app.infisical.com`. */
  readonly siteUrl?: string | undefined
  /** Id of the project, from its settings. */
  readonly projectId: string
  /** Slug of the environment, for example `prod`. */
  readonly environment: string
  /** Folder above the folder of the namespace. Default `/mcp-auth`. */
  readonly path?: string | undefined
  /** Name of the folder that holds the credentials. Default `default`. */
  readonly namespace?: string | undefined
  readonly auth: InfisicalAuth
  /** Seals every value. Without it, plain API keys are readable in Infisical. */
  readonly seal?: InfisicalSeal | undefined
  /**
   * How long one listing of the folder serves reads, in seconds. Default 60, at most 3600; 0 asks for
   * every credential by itself at every read.
   */
  readonly listTtlSeconds?: number | undefined
  /** How long after that a credential may be served while Infisical is unavailable. Default 0. */
  readonly serveStaleSeconds?: number | undefined
  /** Default 2000. */
  readonly readDeadlineMilliseconds?: number | undefined
  /** For all requests of one write together. Default 5000. */
  readonly writeDeadlineMilliseconds?: number | undefined
  /** Receives every access, never a value. */
  readonly audit?: AuditSink | undefined
  /** Receives logins, refreshes and outages. */
  readonly onEvent?: InfisicalEventListener | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const isFunction = (value: unknown) => typeof value === 'function'
const isObject = (value: unknown) => typeof value === 'object' && value !== null

const REQUIRED = 'is required (text)'
const Text = z.string({ error: REQUIRED }).check(z.minLength(1, { error: 'must not be empty' }))

function isSiteUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password, search, hash } = new URL(text)
  if (username !== '' || password !== '' || search !== '' || hash !== '') return false
  const isLoopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback)
}

const duration = (minimum: number, maximum: number, unit: string) =>
  z
    .number({ error: `must be a number of ${unit}` })
    .check(
      z.gte(minimum, { error: `must be at least ${minimum} ${unit}` }),
      z.lte(maximum, { error: `must be at most ${maximum} ${unit}` }),
    )

const optionalFunction = <Value>() =>
  z.optional(z.custom<Value>(isFunction, { error: 'must be a function' }))

const Auth = z.discriminatedUnion(
  'method',
  [
    z.strictObject({ method: z.literal('universal'), clientId: Text, clientSecret: Text }),
    z.strictObject({ method: z.literal('access-token'), token: Text }),
    z.strictObject({ method: z.literal('aws'), identityId: z.optional(Text) }),
  ],
  { error: 'must have the method "universal", "access-token" or "aws"' },
)

const Seal = z.strictObject({
  encryptionKeys: z.optional(Text),
  keyProvider: z.optional(z.custom<KeyProvider>(isObject, { error: 'must be a KeyProvider' })),
  dangerouslyAcceptUnsealed: z._default(z.boolean({ error: 'must be true or false' }), false),
})

const Options = z.strictObject({
  siteUrl: z._default(
    z.string({ error: 'must be a URL' }).check(
      z.refine(isSiteUrl, {
        error: 'must be an https URL without user, query or fragment (http on loopback only)',
      }),
    ),
    'https://app.infisical.com',
  ),
  projectId: Text,
  environment: Text,
  path: z._default(
    z.string({ error: 'must be a path' }).check(
      z.regex(/^(?:\/|(?:\/[A-Za-z0-9_-]+)+)$/, {
        error: 'must be "/" or names of letters, digits, "_" and "-", each after a "/"',
      }),
    ),
    '/mcp-auth',
  ),
  namespace: z._default(
    z.custom<string>(isCredentialName, {
      error: 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
    }),
    'default',
  ),
  auth: Auth,
  seal: z.optional(Seal),
  listTtlSeconds: z._default(duration(0, 3600, 'seconds'), 60),
  serveStaleSeconds: z._default(duration(0, 86_400, 'seconds'), 0),
  readDeadlineMilliseconds: z._default(duration(50, 60_000, 'milliseconds'), 2000),
  writeDeadlineMilliseconds: z._default(duration(50, 60_000, 'milliseconds'), 5000),
  audit: z.optional(z.custom<AuditSink>(isObject, { error: 'must be an AuditSink' })),
  onEvent: optionalFunction<InfisicalEventListener>(),
  now: optionalFunction<() => number>(),
})

/** The options after validation. */
export type ParsedOptions = z.infer<typeof Options>

function describeIssue(issue: z.core.$ZodIssue): ConfigurationProblem[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: 'unknown option; check its spelling',
    }))
  }
  return [{ path: path === '' ? '(options)' : path, message: issue.message }]
}

function findSealProblems({ seal }: ParsedOptions): ConfigurationProblem[] {
  if (seal === undefined) return []
  if ((seal.encryptionKeys === undefined) !== (seal.keyProvider === undefined)) return []
  return [{ path: 'seal', message: 'needs either "encryptionKeys" or "keyProvider"' }]
}

/** Validates the options of `infisicalTokenStore`. */
export function parseOptions(options: InfisicalTokenStoreOptions): ParsedOptions {
  const result = Options.safeParse(options)
  const problems = result.success
    ? findSealProblems(result.data)
    : result.error.issues.flatMap(describeIssue)
  if (!result.success || problems.length > 0) {
    throw new ConfigurationError('infisicalTokenStore', problems)
  }
  return result.data
}
