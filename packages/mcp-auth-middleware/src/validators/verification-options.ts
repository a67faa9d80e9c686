import * as z from 'zod/mini'
import type { Principal } from '../principal.js'

/** Options that every validator of an issuer's tokens understands. */
export interface VerificationOptions {
  /** Allowed clock difference, in seconds. Default 10, at most 300. */
  readonly clockTolerance?: number | undefined
  /** Longest accepted time from now to `exp`, in seconds. Default and maximum 31 days. */
  readonly maxTokenLifetime?: number | undefined
  /** Replaces the global `fetch`, for a proxy or for tests. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** 31 days in seconds: sessions of a month are legal, anything longer is a mistake. */
export const MAX_TOKEN_LIFETIME = 31 * 24 * 60 * 60

/** Members of a `z.strictObject` for {@link VerificationOptions}. */
export const verificationOptions = {
  clockTolerance: z._default(
    z.int('must be whole seconds').check(z.minimum(0), z.maximum(300, 'must be at most 300 s')),
    10,
  ),
  maxTokenLifetime: z._default(
    z
      .int('must be whole seconds')
      .check(z.minimum(1), z.maximum(MAX_TOKEN_LIFETIME, 'must be at most 31 days')),
    MAX_TOKEN_LIFETIME,
  ),
  fetch: z.optional(
    z.custom<typeof globalThis.fetch>((value) => typeof value === 'function', 'must be a function'),
  ),
  now: z.optional(
    z.custom<() => number>((value) => typeof value === 'function', 'must be a function'),
  ),
}

/** Schema of a `grantScopes` option. */
export const grantScopesOption = z.optional(
  z.custom<(principal: Principal) => readonly string[]>(
    (value) => typeof value === 'function',
    'must be a function that returns a list of scopes',
  ),
)

/** Schema of a value without blanks at which a token is compared, such as an audience or an id. */
export const identifierOption = z
  .string()
  .check(z.regex(/^[^\s\p{Cc}]+$/u, 'must be a text without blanks'))
