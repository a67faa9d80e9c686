import * as base64url from 'jose/base64url'
import type { JwtReason } from './reasons.js'

/** Longest accepted token, in characters. */
export const MAX_TOKEN_LENGTH = 8192

/** A JSON object that came from outside: own properties only, values not yet judged. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A well-formed compact JWS. Nothing in it is verified. */
export interface CompactJws {
  readonly header: JsonObject
  /** Second segment, still encoded: it is not JSON in every JWS. */
  readonly payload: string
}

// \w without the u flag is exactly [A-Za-z0-9_].
const COMPACT_JWS = /^([\w-]+)\.([\w-]*)\.([\w-]+)$/
// The last character of a segment that leaves 4 or 2 bits over; set bits there would give one token
// several spellings (RFC 4648 section 3.5).
const NO_SPARE_BITS: readonly (RegExp | undefined)[] = [
  undefined,
  /^$/,
  /[AQgw]$/,
  /[AEIMQUYcgkosw048]$/,
]

function isCanonical(segment: string): boolean {
  return NO_SPARE_BITS[segment.length % 4]?.test(segment) ?? true
}

// A byte order mark is kept, so that JSON.parse refuses it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseObject(text: string): JsonObject | undefined {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? // JSON.parse yields plain objects, so this is the shape.
      (value as JsonObject)
    : undefined
}

/** Parses UTF-8 bytes that must hold a JSON object, or returns `undefined`. Never throws. */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    return parseObject(decoder.decode(bytes))
  } catch {
    return undefined
  }
}

const NOT_ASCII = /[^\p{ASCII}]/u

/** Decodes a base64url segment that must hold a JSON object, or returns `undefined`. Never throws. */
export function decodeJsonObject(segment: string): JsonObject | undefined {
  try {
    // Nearly all claims are ASCII, for which this takes a third of the time of the way over bytes.
    const binary = atob(segment.replaceAll('-', '+').replaceAll('_', '/'))
    if (!NOT_ASCII.test(binary)) return parseObject(binary)
    return parseJsonObject(base64url.decode(segment))
  } catch {
    return undefined
  }
}

/**
 * Splits a compact JWS: at most {@link MAX_TOKEN_LENGTH} characters, exactly three parts in
 * canonical base64url, the first of them a JSON object, the last not empty. (An empty payload is a legal
 * JWS, but no JSON object, so no JWT has one.)
 *
 * @see RFC 7515 section 7.1, RFC 8725 section 3.11
 */
export function parseCompactJws(token: string): CompactJws | JwtReason {
  if (token.length > MAX_TOKEN_LENGTH) return 'token_too_long'
  const parts = COMPACT_JWS.exec(token)
  if (parts === null) return 'malformed_token'
  const [, protectedHeader = '', payload = '', signature = ''] = parts
  if (!isCanonical(protectedHeader) || !isCanonical(payload) || !isCanonical(signature)) {
    return 'malformed_token'
  }
  const header = decodeJsonObject(protectedHeader)
  return header === undefined ? 'header_invalid' : { header, payload }
}
