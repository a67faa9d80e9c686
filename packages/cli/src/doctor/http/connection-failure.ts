/** Why a request got no answer. */
export type ConnectionFailureKind = 'dns' | 'refused' | 'tls' | 'timeout' | 'connection'

/** A request that got no answer. */
export interface ConnectionFailure {
  readonly kind: ConnectionFailureKind
  /** Code of the system or of OpenSSL, without any text of the other side. */
  readonly code: string
}

/** Code of requests that the end of the run cut off; they say nothing about the server. */
export const RUN_OVER = 'RUN_OVER'

/** Code of requests that were not sent, since a public server led them into an inner network. */
export const INNER_ADDRESS = 'INNER_ADDRESS'

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'ENODATA'])
const TIMEOUT_CODES = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const TLS_CODE =
  /CERT|SELF_SIGNED|TLS|SSL|^EPROTO$|UNABLE_TO_|ISSUER|HOSTNAME_MISMATCH|^CRL_|SIGNATURE/

function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : undefined
}

function kindOf(code: string): ConnectionFailureKind {
  if (DNS_CODES.has(code)) return 'dns'
  if (code === 'ECONNREFUSED') return 'refused'
  if (TIMEOUT_CODES.has(code)) return 'timeout'
  return TLS_CODE.test(code) ? 'tls' : 'connection'
}

/** Tells why a request failed from the codes in its chain of causes. */
export function classifyFailure(
  error: unknown,
  { isTimedOut, isRunOver }: { readonly isTimedOut: boolean; readonly isRunOver: boolean },
): ConnectionFailure {
  if (isRunOver) return { kind: 'timeout', code: RUN_OVER }
  if (isTimedOut) return { kind: 'timeout', code: 'DEADLINE' }
  let current = error
  for (let depth = 0; depth < 6 && current instanceof Error; depth++) {
    // A host with several addresses fails with one error for each.
    const first: unknown = current instanceof AggregateError ? current.errors[0] : undefined
    const code = codeOf(current) ?? codeOf(first)
    if (code !== undefined) return { kind: kindOf(code), code }
    // What `fetch` says of ports that are for other protocols.
    if (current.message === 'bad port') return { kind: 'connection', code: 'BAD_PORT' }
    current = current.cause
  }
  return { kind: 'connection', code: 'UNKNOWN' }
}

/** Says what a failure means and what to look at, for people. */
export function describeFailure({ kind, code }: ConnectionFailure, url: URL): string {
  const host = url.host
  if (code === INNER_ADDRESS) {
    return `${host} leads into an inner network: clients of a public server cannot reach it, and it was not asked`
  }
  switch (kind) {
    case 'dns':
      return `the name ${host} cannot be resolved (${code}): check the spelling and the DNS record`
    case 'refused':
      return `${host} refused the connection: nothing listens there, or a firewall says no`
    case 'tls':
      return `the TLS certificate of ${host} is not accepted (${code}): clients refuse it too. Check that it is for this name, has not expired, and comes with its chain`
    case 'timeout':
      return `${host} did not answer in time: a firewall may drop the packets, or the server hangs`
    default:
      return `the connection to ${host} broke off (${code})`
  }
}
