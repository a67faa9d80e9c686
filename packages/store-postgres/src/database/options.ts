import {
  ConfigurationError,
  type ConfigurationProblem,
  type StoreUnavailableError,
} from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { describeIssue } from '../describe-issue.js'
import type { PgPool } from './pg-pool.js'
import { isSchemaName, SCHEMA_RULE } from './schema-name.js'

/** Certificates for TLS to PostgreSQL. Members that are left out have the defaults of `node:tls`. */
export interface DatabaseTlsOptions {
  /** PEM of the authorities that may have signed the server's certificate, instead of those that Node.js trusts. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** PEM of a client certificate. */
  readonly cert?: string | Uint8Array | undefined
  /** PEM of the key of `cert`. */
  readonly key?: string | Uint8Array | undefined
  /** Name that the certificate must have, where it is not the host of the connection string. */
  readonly servername?: string | undefined
}

/** Options for {@link createDatabase}: exactly one of `connectionString`, `pool` and `dataDir`. */
export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database`. Query parameters mean what they mean to `pg`. */
  readonly connectionString?: string | undefined
  /**
   * A Pool of `pg` that other code uses too. It is never closed here. Its own options decide about TLS
   * and connections; set `connectionTimeoutMillis`, since connections that hang while they are opened
   * can only be ended by it.
   */
  readonly pool?: PgPool | undefined
  /** Folder of an embedded PGlite database, for one process, or `memory://`. */
  readonly dataDir?: string | undefined
  /** Schema of all tables. Letters, digits and "_". Default `mcp_auth`. */
  readonly schema?: string | undefined
  /**
   * TLS, in place of what `sslmode` and the like in the connection string say. `true`: the server must
   * have a certificate for its host by an authority that Node.js trusts; an object: by these authorities;
   * `'require'`: encrypted to whoever answers, which stops eavesdroppers but not impostors; `false`:
   * plain text. Default: as the connection string and `PGSSLMODE` say.
   */
  readonly ssl?: boolean | 'require' | DatabaseTlsOptions | undefined
  /** Connections, besides one for LISTEN. 1 to 100, default 5. Only with `connectionString`. */
  readonly maxConnections?: number | undefined
  /** Milliseconds for opening a connection. 50 to 60,000, default 1,000. */
  readonly connectTimeoutMilliseconds?: number | undefined
  /** Milliseconds that a call waits for a free connection. 50 to 60,000, default 1,000. */
  readonly acquireTimeoutMilliseconds?: number | undefined
  /**
   * Named prepared statements, pipelined transactions and timeouts set per session. `false` where a pooler hands a connection
   * to another client after every transaction. Default true.
   */
  readonly prepared?: boolean | undefined
  /** LISTEN on a connection of its own; `false` where the engine or pooler lacks it. Default true. */
  readonly listen?: boolean | undefined
  /** How replicas take turns in migrating: advisory locks, or a row for engines without. Default `advisory`. */
  readonly locks?: 'advisory' | 'table' | undefined
  /** Whether `ready` applies missing migrations or refuses to go on without them. Default `auto`. */
  readonly migrate?: 'auto' | 'verify' | undefined
  /** Milliseconds between polls of stores that cannot listen. 50 to 60,000, default 500. */
  readonly pollMilliseconds?: number | undefined
  /** Milliseconds between two checks of the LISTEN connection. 50 to 600,000, default 10,000. */
  readonly heartbeatMilliseconds?: number | undefined
  /**
   * Goes through the admin socket of the process that has `dataDir` open, in place of opening it: `true`
   * always, `'auto'` where such a process runs. Default false. Only with `dataDir`.
   */
  readonly attach?: boolean | 'auto' | undefined
  /** Whether this process serves the admin socket of `dataDir`. Default true. Only with `dataDir`. */
  readonly adminSocket?: boolean | undefined
  /** Told about trouble that no call can report, such as a lost LISTEN connection. Holds no secret. */
  readonly onError?: ((error: StoreUnavailableError) => void) | undefined
}

const isText = (value: unknown) => typeof value === 'string' || value instanceof Uint8Array
const PEM = z.custom<string | Uint8Array>(isText, { error: 'must be PEM as text or bytes' })

function milliseconds(fallback: number, most = 60_000) {
  const error = `must be a whole number from 50 to ${most}`
  return z._default(z.int({ error }).check(z.gte(50, { error }), z.lte(most, { error })), fallback)
}

function flag(fallback: boolean) {
  return z._default(z.boolean({ error: 'must be true or false' }), fallback)
}

const CONNECTIONS_RULE = 'must be a whole number from 1 to 100'

/** Members that stores accept beside their own. */
export const databaseShape = {
  connectionString: z.optional(
    z.string({ error: 'must be text that starts with "postgresql://"' }).check(
      z.regex(/^postgres(?:ql)?:\/\//, { error: 'must be text that starts with "postgresql://"' }),
      z.refine((text) => URL.canParse(text), {
        error: 'is not a URL; percent-encode special characters of the password',
      }),
    ),
  ),
  pool: z.optional(
    z.custom<PgPool>(
      (value) => typeof value === 'object' && value !== null && 'connect' in value && 'on' in value,
      { error: 'must be a Pool of pg' },
    ),
  ),
  dataDir: z.optional(
    z.string({ error: 'must be a path' }).check(z.minLength(1, { error: 'must be a path' })),
  ),
  schema: z._default(
    z.string({ error: SCHEMA_RULE }).check(z.refine(isSchemaName, { error: SCHEMA_RULE })),
    'mcp_auth',
  ),
  ssl: z.optional(
    z.union(
      [
        z.boolean(),
        z.literal('require'),
        z.strictObject({
          ca: z.optional(z.union([PEM, z.readonly(z.array(PEM))])),
          cert: z.optional(PEM),
          key: z.optional(PEM),
          servername: z.optional(z.string()),
        }),
      ],
      { error: 'must be true, false, "require" or { ca, cert, key, servername } with PEM' },
    ),
  ),
  maxConnections: z.optional(
    z
      .int({ error: CONNECTIONS_RULE })
      .check(z.gte(1, { error: CONNECTIONS_RULE }), z.lte(100, { error: CONNECTIONS_RULE })),
  ),
  connectTimeoutMilliseconds: milliseconds(1_000),
  acquireTimeoutMilliseconds: milliseconds(1_000),
  prepared: flag(true),
  listen: flag(true),
  locks: z._default(
    z.enum(['advisory', 'table'], { error: 'must be "advisory" or "table"' }),
    'advisory',
  ),
  migrate: z._default(z.enum(['auto', 'verify'], { error: 'must be "auto" or "verify"' }), 'auto'),
  pollMilliseconds: milliseconds(500),
  heartbeatMilliseconds: milliseconds(10_000, 600_000),
  attach: z.optional(
    z.union([z.boolean(), z.literal('auto')], { error: 'must be true, false or "auto"' }),
  ),
  adminSocket: z.optional(z.boolean({ error: 'must be true or false' })),
  onError: z.optional(
    z.custom<(error: StoreUnavailableError) => void>((value) => typeof value === 'function', {
      error: 'must be a function',
    }),
  ),
}

const Options = z.strictObject(databaseShape)

/** Options of `createDatabase` with defaults applied. */
export type ParsedDatabaseOptions = z.infer<typeof Options>

/** Problems that only several members together have. */
export function findDatabaseProblems(
  options: Pick<
    DatabaseOptions,
    'connectionString' | 'pool' | 'dataDir' | 'ssl' | 'maxConnections' | 'attach' | 'adminSocket'
  >,
): ConfigurationProblem[] {
  const { connectionString, pool, dataDir, ssl, maxConnections } = options
  const problems: ConfigurationProblem[] = []
  const given = [connectionString, pool, dataDir].filter((each) => each !== undefined)
  if (given.length !== 1) {
    problems.push({
      path: '(options)',
      message: 'give exactly one of connectionString, pool and dataDir',
    })
  }
  if (connectionString === undefined) {
    const message = 'belongs to connectionString; a pool brings its own'
    if (ssl !== undefined) problems.push({ path: 'ssl', message })
    if (maxConnections !== undefined) problems.push({ path: 'maxConnections', message })
  }
  if (dataDir === undefined) {
    const message = 'belongs to dataDir'
    if (options.attach !== undefined) problems.push({ path: 'attach', message })
    if (options.adminSocket !== undefined) problems.push({ path: 'adminSocket', message })
  }
  return problems
}

/** Validates the options of `createDatabase`. Never repeats a value, which may be a password. */
export function parseDatabaseOptions(options: unknown): ParsedDatabaseOptions {
  const result = Options.safeParse(options)
  const problems = result.success
    ? findDatabaseProblems(result.data)
    : result.error.issues.flatMap(describeIssue)
  if (!result.success || problems.length > 0)
    throw new ConfigurationError('createDatabase', problems)
  return result.data
}
