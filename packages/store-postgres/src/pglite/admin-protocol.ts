import * as z from 'zod/mini'
import type { SqlRow, SqlValue } from '../database/database.js'
import { databaseUnavailable, sqlStateOf, toStoreError } from '../database/database-errors.js'
import { decodeValue, encodeValue } from './admin-values.js'

/** Sent by the server as its first frame. Another number means another release. */
export const ADMIN_PROTOCOL = 1

/** Longest frame in bytes, both ways, without its newline. */
export const MAXIMUM_FRAME_BYTES = 4 * 1024 * 1024

/** Longest deadline in milliseconds that a client can ask for. */
export const MAXIMUM_TIMEOUT_MILLISECONDS = 3_600_000

// Rows of one answer are split over several frames of about this size.
const ROWS_FRAME_BYTES = 1024 * 1024

/** What the admin server itself refuses with; its other codes are those of the database. */
export type AdminErrorCode =
  | 'ERR_ADMIN_CONNECTIONS'
  | 'ERR_ADMIN_FRAME'
  | 'ERR_ADMIN_IDLE'
  | 'ERR_ADMIN_SIZE'
  | 'ERR_ADMIN_STATE'

const ADMIN_ERRORS: Readonly<Record<AdminErrorCode, string>> = {
  ERR_ADMIN_CONNECTIONS: 'the admin socket has no connection to spare; try again later',
  ERR_ADMIN_FRAME: 'the admin socket was sent something else than its protocol',
  ERR_ADMIN_IDLE: 'the transaction did nothing for too long and was rolled back',
  ERR_ADMIN_SIZE: 'a statement or row is too large for the admin socket',
  ERR_ADMIN_STATE: 'the transaction is over',
}

const Id = z.int().check(z.positive())
const Timeout = z.number().check(z.positive(), z.lte(MAXIMUM_TIMEOUT_MILLISECONDS))

const Request = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('query'),
    id: Id,
    text: z.string().check(z.minLength(1)),
    values: z.array(z.unknown()),
    timeout: Timeout,
  }),
  z.strictObject({ type: z.literal('begin'), id: Id, timeout: Timeout }),
  z.strictObject({ type: z.literal('commit'), id: Id }),
  z.strictObject({ type: z.literal('rollback'), id: Id }),
])

const Failure = z.strictObject({ code: z.string().check(z.regex(/^[A-Z0-9_]{1,48}$/)) })

const Response = z.union([
  z.strictObject({ protocol: z.number() }),
  z.strictObject({
    id: Id,
    rows: z.array(z.record(z.string(), z.unknown())),
    more: z.optional(z.boolean()),
  }),
  z.strictObject({ id: z.optional(Id), error: Failure }),
])

/** One frame of a client. */
export type AdminRequest = z.infer<typeof Request>

/** One frame of the server. */
export type AdminResponse = z.infer<typeof Response>

/**
 * Parses a frame of a client.
 *
 * @throws when it is not one.
 */
export function parseRequest(frame: string): AdminRequest {
  return Request.parse(JSON.parse(frame))
}

/**
 * Parses a frame of the server.
 *
 * @throws when it is not one.
 */
export function parseResponse(frame: string): AdminResponse {
  return Response.parse(JSON.parse(frame))
}

/**
 * Reads the values of a statement.
 *
 * @throws {@link TypeError} when one has an unknown type.
 */
export function decodeValues(values: readonly unknown[]): readonly SqlValue[] {
  // The boundary to the socket: what the server cannot use as a parameter, the database refuses.
  return values.map(decodeValue) as SqlValue[]
}

/** Reads rows of an answer. */
export function decodeRows(rows: readonly Readonly<Record<string, unknown>>[]): SqlRow[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, decodeValue(value)])),
  )
}

/** Formats one frame; `undefined` when it would be too long. */
export function formatFrame(frame: object): string | undefined {
  const text = JSON.stringify(frame)
  return Buffer.byteLength(text) > MAXIMUM_FRAME_BYTES ? undefined : `${text}\n`
}

/** Formats a failure as a frame. `id` is absent when the failure belongs to no request. */
export function formatFailure(code: string, id?: number): string {
  return `${JSON.stringify({ ...(id === undefined ? {} : { id }), error: { code } })}\n`
}

/** Formats rows as the frames of one answer. */
export function* formatRows(id: number, rows: readonly SqlRow[]): Iterable<string> {
  let texts: string[] = []
  let bytes = 0
  for (const row of rows) {
    const encoded = Object.entries(row).map(([name, value]) => [name, encodeValue(value)] as const)
    const text = JSON.stringify(Object.fromEntries(encoded))
    const length = Buffer.byteLength(text)
    if (length > MAXIMUM_FRAME_BYTES - 100) {
      yield formatFailure('ERR_ADMIN_SIZE' satisfies AdminErrorCode, id)
      return
    }
    if (bytes > 0 && bytes + length > ROWS_FRAME_BYTES) {
      yield `{"id":${id},"rows":[${texts.join(',')}],"more":true}\n`
      texts = []
      bytes = 0
    }
    texts.push(text)
    bytes += length + 1
  }
  yield `{"id":${id},"rows":[${texts.join(',')}]}\n`
}

/** Code by which a failure travels. Texts do not: both sides have the same ones. */
export function failureCode(error: unknown): string {
  return sqlStateOf(error) ?? 'UNKNOWN'
}

/** Makes the error that the server meant. */
export function failureOf(code: string): Error {
  if (code in ADMIN_ERRORS) return databaseUnavailable(ADMIN_ERRORS[code as AdminErrorCode], code)
  // Codes of PostgreSQL have five characters, its severity marks them as an answer of the database.
  return toStoreError(/^[0-9A-Z]{5}$/.test(code) ? { code, severity: 'ERROR' } : { code })
}
