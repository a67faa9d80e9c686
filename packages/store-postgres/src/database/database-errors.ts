import { isAuthError, StoreUnavailableError } from '@bestviable/mcp-auth-middleware'

const TIMED_OUT = 'the database did not answer in time'
const UNREACHABLE = 'the database could not be reached'
const OVERLOADED = 'the database has no connection or memory to spare'
const DOWN = 'the database is starting, stopping or failing over'
const MISSING = 'the database lacks tables of this release; run "mcp-auth db migrate"'
const UNTRUSTED =
  'the certificate of the database is not trusted for its host; set "ssl" to its authority'
const POOLED =
  'the database lost a prepared statement; behind transaction pooling set prepared and listen to false'

// Texts by SQLSTATE and by errno, first by the whole code, then by its class.
// PostgreSQL documentation, appendix A.
const TEXTS: Readonly<Record<string, string>> = {
  '08': UNREACHABLE,
  '25006': 'the database accepts no writes at the moment',
  '26000': POOLED,
  '28': 'the database refused the login of its role',
  '3D000': 'the database of the connection string does not exist',
  '3F000': MISSING,
  '40001': 'the transaction met concurrent writes too often',
  '40P01': 'the transaction met concurrent writes too often',
  '42501':
    'the role of the connection lacks a privilege; grant USAGE on the schema and rights on its tables, or run "mcp-auth db migrate" as its owner',
  '42P01': MISSING,
  '42P05': POOLED,
  '42703': MISSING,
  '53': OVERLOADED,
  '53100': 'the disk of the database is full',
  '55P03': TIMED_OUT,
  '57014': TIMED_OUT,
  '57P': DOWN,
  '58': 'the database has a system error',
  XX: 'the database has an internal error',
  ETIMEDOUT: TIMED_OUT,
  ERR_TLS_CERT_ALTNAME_INVALID: UNTRUSTED,
  CERT_HAS_EXPIRED: UNTRUSTED,
  CERT_NOT_YET_VALID: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
}

/** Code of the cause where the driver gave none: a connection ended without an error of its own. */
const CONNECTION_LOST = 'ECONNRESET'

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'UNKNOWN'
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && /^[A-Z0-9_]{1,48}$/.test(code)) return code
  const message: unknown = Reflect.get(error, 'message')
  // The driver gives its own errors no codes.
  if (typeof message === 'string' && /timeout|timed out/i.test(message)) return 'ETIMEDOUT'
  return CONNECTION_LOST
}

/** Whether an error is an answer of the server, which leaves the connection usable, if not ending it. */
function isAnswer(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'severity' in error
}

function describe(code: string, isServer: boolean): string {
  if (!isServer) return TEXTS[code] ?? UNREACHABLE
  return (
    TEXTS[code] ??
    TEXTS[code.slice(0, 3)] ??
    TEXTS[code.slice(0, 2)] ??
    'the database refused the statement'
  )
}

/** An error with a fixed text and, as its cause, nothing but a code. */
export function databaseUnavailable(message: string, code: string): StoreUnavailableError {
  const cause = Object.assign(new Error(`database error ${code}`), { code })
  return new StoreUnavailableError(message, { cause })
}

/** No connection became free before the deadline for acquiring one. */
export function acquireTimeout(): StoreUnavailableError {
  return databaseUnavailable('no database connection became free in time', 'ETIMEDOUT')
}

/** A statement or transaction took longer than its deadline. */
export function statementTimeout(): StoreUnavailableError {
  return databaseUnavailable(TIMED_OUT, 'ETIMEDOUT')
}

/** `close` was called. */
export function databaseClosed(): StoreUnavailableError {
  return databaseUnavailable('the database is closed', 'ERR_CLOSED')
}

/**
 * Turns an error of the driver into what callers may see: a fixed text, and a cause that has nothing
 * but the SQLSTATE or errno as `code`. Messages of drivers and servers name hosts, roles and values.
 */
export function toStoreError(error: unknown): Error {
  if (error instanceof Error && isAuthError(error)) return error
  const code = codeOf(error)
  return databaseUnavailable(describe(code, isAnswer(error)), code)
}

/** SQLSTATE or errno of an error, whether or not it went through {@link toStoreError}. */
export function sqlStateOf(error: unknown): string | undefined {
  const source = isAuthError(error) ? error.cause : error
  return source === undefined ? undefined : codeOf(source)
}

/** Whether a transaction that met this error may succeed when it is run again. */
export function isSerializationFailure(error: unknown): boolean {
  const code = sqlStateOf(error)
  return code === '40001' || code === '40P01'
}

/** Whether the connection that reported this error must not be used again. */
export function endsConnection(error: unknown): boolean {
  return !isAnswer(error) || /^(?:08|26000|42P05|57P|58|XX)/.test(codeOf(error))
}

/** Whether the connection was gone before the server can have answered the statement. */
export function isConnectionLost(error: unknown): boolean {
  return isAnswer(error) ? /^(?:08|57P)/.test(codeOf(error)) : codeOf(error) !== 'ETIMEDOUT'
}
