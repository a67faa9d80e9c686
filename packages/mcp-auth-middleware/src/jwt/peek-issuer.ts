import { decodeJsonObject, MAX_TOKEN_LENGTH } from './compact-jws.js'

/**
 * Reads the `iss` of a token in order to choose a validator, without verifying anything.
 *
 * Tolerant on purpose of what the validator is strict about later (header, signature, encoding of
 * both); a token of more than 8192 characters, without exactly three parts or without a textual `iss`
 * belongs to no issuer. Never throws.
 */
export function peekIssuer(token: string): string | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second < 0 || token.includes('.', second + 1)) return undefined
  const payload = decodeJsonObject(token.slice(first + 1, second))
  if (payload === undefined || !Object.hasOwn(payload, 'iss')) return undefined
  return typeof payload.iss === 'string' ? payload.iss : undefined
}
