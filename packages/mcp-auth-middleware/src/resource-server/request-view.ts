/**
 * What the core reads of a request. Adapters for web frameworks hand it over as it arrived; nothing
 * in it is trusted.
 */
export interface RequestView {
  readonly method: string
  /** Path and query as received, before any router changed them (`req.originalUrl` in Express). */
  readonly target: string
  /** Header fields by lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names and values in turn, as Node.js has them, so that repeated fields can be seen. */
  readonly rawHeaders?: readonly string[] | undefined
  /** Whether there is a body. Default: whether the head announces one. */
  readonly hasBody?: boolean | undefined
}

/** One field as text; repeated fields are joined by a comma. */
export function headerOf(view: RequestView, name: string): string | undefined {
  const value = view.headers[name]
  if (value === undefined || typeof value === 'string') return value
  return value.join(', ')
}

/** Whether a field occurs more than once. Node.js keeps only the first `Authorization`. */
export function isRepeated(view: RequestView, name: string): boolean {
  const { rawHeaders } = view
  if (rawHeaders === undefined) return Array.isArray(view.headers[name])
  let ofThisLength = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === name.length) ofThisLength += 1
  }
  // Nearly every request ends here, and no name has to be lower-cased.
  if (ofThisLength < 2) return false
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) count += 1
  }
  return count > 1
}

const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

/**
 * Whether a method usually comes without a body. One that comes all the same is authorized like any
 * other, since a handler for all methods behind a body parser might execute it.
 */
export function isBodiless(method: string): boolean {
  return BODILESS.has(method)
}

/** Whether the message head announces a body. */
export function announcesBody(headers: RequestView['headers']): boolean {
  if (headers['transfer-encoding'] !== undefined) return true
  const length = headers['content-length']
  return length !== undefined && length !== '0'
}

/** The announced length of a body in bytes; `undefined` when it comes in chunks or names none. */
export function announcedLength(headers: RequestView['headers']): number | undefined {
  const length = headers['content-length']
  if (typeof length !== 'string' || headers['transfer-encoding'] !== undefined) return undefined
  return /^\d+$/.test(length) ? Number(length) : undefined
}

/** The path part of a request target, byte for byte. */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** Whether the query carries a parameter, however it is percent-encoded. */
export function queryHas(target: string, name: string): boolean {
  const start = target.indexOf('?')
  if (start === -1) return false
  return new URLSearchParams(target.slice(start + 1)).has(name)
}

/** One cookie of the `Cookie` field, or `undefined` when absent or repeated. */
export function cookieOf(view: RequestView, name: string): string | undefined {
  const header = headerOf(view, 'cookie')
  if (header === undefined) return undefined
  let found: string | undefined
  for (const pair of header.split(/[;,]/)) {
    const separator = pair.indexOf('=')
    if (separator === -1 || pair.slice(0, separator).trim() !== name) continue
    // Two cookies of one name come from two paths or domains; which one is ours cannot be told.
    if (found !== undefined) return undefined
    found = pair.slice(separator + 1).trim()
  }
  return found === '' ? undefined : found
}
