import {
  type AuditSink,
  ConfigurationError,
  type ConfigurationProblem,
  isAuthError,
  isCredentialName,
} from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  type EnvelopeCodec,
  type KeyProvider,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import * as z from 'zod/mini'
import type { AuditReads } from './audit/read-audit.js'
import type { Database } from './database/database.js'
import { type DatabaseOptions, databaseShape, findDatabaseProblems } from './database/options.js'
import { describeIssue } from './describe-issue.js'

const SUBJECT = 'postgresTokenStore'
const KMS_CACHE_ENTRIES = 1000

/** Options of `postgresTokenStore` beside those of its database. */
export interface PostgresTokenStoreSettings {
  /**
   * Key-encryption keys: 32 bytes each in base64, separated by commas, for example the value of
   * `MCP_AUTH_ENCRYPTION_KEYS`. The first one is used for writes. Either this or `keyProvider`.
   */
  readonly encryptionKeys?: string | undefined
  /** Where the key-encryption keys are, when that is not this process, for example a KMS. */
  readonly keyProvider?: KeyProvider | undefined
  /**
   * Data keys kept in memory for 5 minutes, so that not every read asks `keyProvider`. Default 1000
   * with `keyProvider`, at most 100,000; 0 turns it off.
   */
  readonly unwrapCacheEntries?: number | undefined
  /** One per MCP server. Stores of other namespaces do not see each other. Default `default`. */
  readonly namespace?: string | undefined
  /** Receives every access, never a value, beside the table `audit_events`. */
  readonly audit?: AuditSink | undefined
  /** Which reads are written to `audit_events`. Default `first-per-minute` of a key and outcome. */
  readonly auditReads?: AuditReads | undefined
  /**
   * `refuse`: a read whose event cannot be written fails. Default `ignore`. Writes and deletes are
   * always audited in their own transaction.
   */
  readonly auditFailure?: 'ignore' | 'refuse' | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** Options for `postgresTokenStore`: a database, or the options to make one. */
export type PostgresTokenStoreOptions = PostgresTokenStoreSettings &
  (
    | (DatabaseOptions & { readonly database?: undefined })
    | ({ readonly database: Database } & {
        readonly [Name in keyof DatabaseOptions]?: undefined
      })
  )

/** Checked options. */
export interface ParsedStoreOptions {
  /** Absent when the store has to make its own. */
  readonly database: Database | undefined
  readonly databaseOptions: DatabaseOptions
  readonly codec: EnvelopeCodec
  readonly namespace: string
  readonly audit: AuditSink | undefined
  readonly auditReads: AuditReads
  readonly auditFailure: 'ignore' | 'refuse'
  readonly now: () => number
}

const isFunction = (value: unknown) => typeof value === 'function'
const hasMethod = (value: unknown, name: string) =>
  typeof value === 'object' && value !== null && isFunction(Reflect.get(value, name))

const CACHE_RULE = 'must be a whole number from 0 to 100000'

const ownShape = {
  encryptionKeys: z.optional(z.string({ error: 'must be text: keys in base64' })),
  keyProvider: z.optional(
    z.custom<KeyProvider>((value) => hasMethod(value, 'unwrap'), {
      error: 'must be a KeyProvider',
    }),
  ),
  unwrapCacheEntries: z.optional(
    z
      .int({ error: CACHE_RULE })
      .check(z.gte(0, { error: CACHE_RULE }), z.lte(100_000, { error: CACHE_RULE })),
  ),
  namespace: z._default(
    z.custom<string>(isCredentialName, {
      error: 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
    }),
    'default',
  ),
  audit: z.optional(
    z.custom<AuditSink>((value) => hasMethod(value, 'record'), { error: 'must be an AuditSink' }),
  ),
  auditReads: z._default(
    z.enum(['first-per-minute', 'all', 'off'], {
      error: 'must be "first-per-minute", "all" or "off"',
    }),
    'first-per-minute',
  ),
  auditFailure: z._default(
    z.enum(['ignore', 'refuse'], { error: 'must be "ignore" or "refuse"' }),
    'ignore',
  ),
  now: z._default(
    z.custom<() => number>(isFunction, { error: 'must be a function' }),
    () => Date.now,
  ),
}

const Own = z.object(ownShape)
const GivenDatabase = z.object({
  database: z.custom<Database>((value) => hasMethod(value, 'query') && hasMethod(value, 'listen'), {
    error: 'must be made by createDatabase',
  }),
})
const OwnDatabase = z.strictObject(databaseShape)

function parseKeys(
  { encryptionKeys, keyProvider, unwrapCacheEntries }: z.infer<typeof Own>,
  problems: ConfigurationProblem[],
): EnvelopeCodec | undefined {
  if ((encryptionKeys === undefined) === (keyProvider === undefined)) {
    const message =
      'give either encryptionKeys or keyProvider; `mcp-auth keys generate` makes a key'
    problems.push({ path: 'encryptionKeys', message })
    return undefined
  }
  const path = keyProvider === undefined ? 'encryptionKeys' : 'keyProvider'
  const provider = () => keyProvider ?? localKeyProvider({ keys: encryptionKeys ?? '' })
  const cached = unwrapCacheEntries ?? (keyProvider === undefined ? 0 : KMS_CACHE_ENTRIES)
  try {
    return createEnvelopeCodec({ keyProvider: provider(), unwrapCacheEntries: cached })
  } catch (error) {
    if (!isAuthError(error) || error.code !== 'ERR_CONFIGURATION') throw error
    for (const { message } of (error as ConfigurationError).problems) {
      problems.push({ path, message })
    }
    return undefined
  }
}

function parseDatabase(
  options: Readonly<Record<string, unknown>>,
  problems: ConfigurationProblem[],
): Database | undefined {
  if (options.database === undefined) {
    const { database: _, ...rest } = options
    const parsed = OwnDatabase.safeParse(rest)
    problems.push(
      ...(parsed.success
        ? findDatabaseProblems(parsed.data)
        : parsed.error.issues.flatMap(describeIssue)),
    )
    return undefined
  }
  const parsed = GivenDatabase.safeParse(options)
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(describeIssue))
  for (const path of Object.keys(options)) {
    if (path === 'database' || options[path] === undefined) continue
    const isKnown = Object.hasOwn(databaseShape, path)
    const message = isKnown
      ? 'is an option of createDatabase, where the database was made'
      : 'unknown option; check its spelling'
    problems.push({ path, message })
  }
  return parsed.data?.database
}

/** Validates the options of `postgresTokenStore`. Never repeats a value, which may be a key or password. */
export function parseStoreOptions(options: unknown): ParsedStoreOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigurationError(SUBJECT, [{ path: '(options)', message: 'must be an object' }])
  }
  const entries = Object.entries(options)
  const isOwn = ([name]: [string, unknown]) => Object.hasOwn(ownShape, name)
  const databaseOptions = Object.fromEntries(entries.filter((entry) => !isOwn(entry)))
  const problems: ConfigurationProblem[] = []

  const database = parseDatabase(databaseOptions, problems)
  const own = Own.safeParse(Object.fromEntries(entries.filter(isOwn)))
  if (!own.success) problems.push(...own.error.issues.flatMap(describeIssue))
  const codec = own.success ? parseKeys(own.data, problems) : undefined
  if (!own.success || codec === undefined || problems.length > 0) {
    throw new ConfigurationError(SUBJECT, problems)
  }
  const { namespace, audit, auditReads, auditFailure, now } = own.data
  return { database, databaseOptions, codec, namespace, audit, auditReads, auditFailure, now }
}
