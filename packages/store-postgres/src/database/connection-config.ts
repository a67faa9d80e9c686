import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import pg from 'pg'
import { DEADLINES } from './deadlines.js'
import type { ParsedDatabaseOptions } from './options.js'

// A statement that this process gave up on must not go on for long in the server, where it holds
// locks. A little more than the longest deadline of a single statement.
const SESSION_TIMEOUT_MILLISECONDS = DEADLINES.write + 1_000

// What the connection string says about TLS; `ssl` takes its place as a whole.
const TLS_PARAMETERS = [
  'ssl',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'sslnegotiation',
  'uselibpqcompat',
]

type ConnectionOptions = Pick<
  ParsedDatabaseOptions,
  'connectionString' | 'ssl' | 'connectTimeoutMilliseconds' | 'prepared'
>

function withoutTls(connectionString: string): string {
  const url = new URL(connectionString)
  for (const name of TLS_PARAMETERS) url.searchParams.delete(name)
  return url.href
}

function tlsOf(ssl: Exclude<ParsedDatabaseOptions['ssl'], undefined>): pg.ClientConfig['ssl'] {
  if (ssl === 'require') return { rejectUnauthorized: false }
  if (typeof ssl === 'boolean') return ssl
  const pem = (value: string | Uint8Array) =>
    typeof value === 'string' ? value : Buffer.from(value)
  const { ca, cert, key, servername } = ssl
  return {
    ...(ca === undefined
      ? {}
      : { ca: typeof ca === 'string' || ca instanceof Uint8Array ? pem(ca) : ca.map(pem) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(servername === undefined ? {} : { servername }),
  }
}

function isLoopback(host: string): boolean {
  return (
    host === '' || host.startsWith('/') || /^(?:localhost|127(?:\.\d+){3}|::1|\[::1\])$/i.test(host)
  )
}

const warned = new Set<string>()

function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return
  warned.add(code)
  process.emitWarning(message, { type: 'McpAuthWarning', code })
}

function reviewTls(config: pg.ClientConfig, ssl: ParsedDatabaseOptions['ssl']): void {
  let client: pg.Client
  try {
    // Never connected: it tells how pg reads the connection string and the environment.
    client = new pg.Client(config)
  } catch (error) {
    const code = error instanceof Error ? Reflect.get(error, 'code') : undefined
    throw new ConfigurationError('createDatabase', [
      {
        path: 'connectionString',
        message: `is not usable by pg${typeof code === 'string' ? ` (${code})` : ''}`,
      },
    ])
  }
  if (isLoopback(client.host ?? '')) return
  if (!client.ssl && ssl !== false) {
    warnOnce(
      'MCP_AUTH_DATABASE_PLAINTEXT',
      'the connection to the database is not encrypted; set ssl, or ssl: false to say that this is meant',
    )
  }
  if (ssl === 'require') {
    warnOnce(
      'MCP_AUTH_DATABASE_UNVERIFIED',
      'the certificate of the database is not verified; set ssl to true or to { ca }',
    )
  }
}

/** How to connect, from the options of `createDatabase`. Warns once where TLS is off or unverified. */
export function connectionConfig(options: ConnectionOptions): pg.ClientConfig {
  const { connectionString = '', ssl, connectTimeoutMilliseconds, prepared } = options
  const config: pg.ClientConfig = {
    // pg lets the connection string win over other members, so that it must not say anything about TLS.
    connectionString: ssl === undefined ? connectionString : withoutTls(connectionString),
    ...(ssl === undefined ? {} : { ssl: tlsOf(ssl) }),
    connectionTimeoutMillis: connectTimeoutMilliseconds,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    fallback_application_name: 'mcp-auth',
    // Sent when a connection starts, which poolers of transactions refuse.
    ...(prepared
      ? {
          statement_timeout: SESSION_TIMEOUT_MILLISECONDS,
          idle_in_transaction_session_timeout: SESSION_TIMEOUT_MILLISECONDS,
        }
      : {}),
  }
  reviewTls(config, ssl)
  return config
}

/** How a Pool that was passed in connects, for the connection of LISTEN beside it. */
export function connectionConfigOf(pool: object): pg.ClientConfig | undefined {
  const options: unknown = Reflect.get(pool, 'options')
  if (typeof options !== 'object' || options === null) return undefined
  // pg hides the password from enumeration, which a spread would lose.
  const password: unknown = Reflect.get(options, 'password')
  return {
    ...options,
    ...(typeof password === 'string' || typeof password === 'function'
      ? { password: password as string }
      : {}),
  }
}
