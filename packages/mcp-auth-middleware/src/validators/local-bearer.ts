import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import type { ConfigurationProblem } from '../errors.js'
import type { Principal } from '../principal.js'
import { isScopeToken } from '../resource-server/scope.js'
import { lowerCaseEmail } from './email-case.js'
import { findDigest, parseTokenDigest } from './token-digest.js'
import type { TokenValidator, Verdict } from './validator.js'

/** One accepted token of {@link localBearer}, known by its digest only. */
export interface LocalBearerToken {
  /** SHA-256 of the token: `sha256:` and 64 hexadecimal digits. Never the token itself. */
  readonly digest: string
  /** Scopes granted to whoever presents it. Default none. */
  readonly scopes?: readonly string[] | undefined
  /**
   * First moment at which the token is refused: epoch seconds, or an ISO 8601 date (`2027-01-31`,
   * 00:00 UTC) or date-time with a zone (`2027-01-31T18:00:00Z`). Default: it does not expire.
   */
  readonly expiresAt?: string | number | undefined
  /** Address of the one person who holds the token, which makes `allow` apply to it. */
  readonly email?: string | undefined
}

/** Tokens by the name of the service that holds them; a list has several valid at once. */
export type LocalBearerTokens = Readonly<
  Record<string, LocalBearerToken | readonly LocalBearerToken[]>
>

/** Forty characters are enough for a name and too few for a token put in its place. */
export const LOCAL_BEARER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/

// What `sha256sum` prints for nothing and for a lone line feed: a variable that was not set.
const EMPTY_DIGESTS: ReadonlySet<string | undefined> = new Set(
  [
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'sha256:01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b',
  ].map(parseTokenDigest),
)

// A number beyond this is milliseconds: as seconds it would be the year 5138.
const LAST_EPOCH_SECOND = 100_000_000_000

const Token = z.strictObject(
  {
    digest: z.string('must be a string, "sha256:" and 64 hexadecimal digits').check(
      z.refine((text) => parseTokenDigest(text) !== undefined, {
        error:
          'must be "sha256:" and 64 hexadecimal digits; configure the digest of a token, never the token',
      }),
    ),
    scopes: z.optional(
      z.array(
        z.string().check(z.refine(isScopeToken, 'must be a scope without blanks and quotes')),
      ),
    ),
    expiresAt: z.optional(
      z.union([
        z.iso.date('must be an ISO 8601 date'),
        z.iso.datetime({ offset: true, error: 'an ISO 8601 date-time with a zone' }),
        z
          .int('epoch seconds')
          .check(z.positive('epoch seconds'), z.lt(LAST_EPOCH_SECOND, 'epoch seconds')),
      ]),
    ),
    email: z.optional(z.email('must be an e-mail address')),
  },
  'must be an object such as { digest: "sha256:…" }, or a list of them',
)

interface Entry {
  readonly digest: string
  readonly accepted: Verdict
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

function toSeconds(value: string | number | undefined): number | undefined {
  return typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : value
}

function createEntry(name: string, token: z.infer<typeof Token>): Entry {
  const { digest, scopes = [], email } = token
  const expiresAt = toSeconds(token.expiresAt)
  const principal: Principal = Object.freeze({
    issuer: 'local',
    subject: name,
    scopes: Object.freeze([...new Set(scopes)]),
    expiresAt,
    claims: Object.freeze({}),
    ...(email === undefined
      ? { kind: 'service' as const, admittedByName: true }
      : { kind: 'user' as const, email: lowerCaseEmail(email), emailVerified: true }),
  })
  return {
    digest: parseTokenDigest(digest) ?? '',
    accepted: Object.freeze({ kind: 'accepted', principal }),
    expiresAt: expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt * 1000,
  }
}

/** Parses the map by hand where a schema would put a refused name, perhaps a token, in its message. */
function parseTokens(tokens: unknown): [name: string, token: z.infer<typeof Token>][] {
  const isMap = typeof tokens === 'object' && tokens !== null && !Array.isArray(tokens)
  const named = isMap ? Object.entries(tokens) : []
  if (named.length === 0) {
    const message = 'must name at least one token, { name: { digest: "sha256:…" } }'
    checkOptions('localBearer', [{ path: '(options)', message }])
  }

  checkOptions(
    'localBearer',
    named.flatMap(([name], index): ConfigurationProblem[] =>
      LOCAL_BEARER_NAME.test(name)
        ? []
        : [
            {
              path: `(name ${index + 1})`,
              message: 'must be 1 to 40 letters, digits, ".", "_" or "-", the first no sign',
            },
          ],
    ),
  )

  const Tokens = z.strictObject(
    Object.fromEntries(
      named.map(([name, value]) => [
        name,
        Array.isArray(value)
          ? z.array(Token).check(z.minLength(1, 'must hold at least one token'))
          : Token,
      ]),
    ),
  )
  const parsed = parseOptions('localBearer', Tokens, tokens)
  return Object.entries(parsed).flatMap(([name, value]) =>
    [value].flat().map((token): [string, z.infer<typeof Token>] => [name, token]),
  )
}

function checkDigests(named: readonly [name: string, token: z.infer<typeof Token>][]): void {
  const problems: ConfigurationProblem[] = []
  const seen = new Set<string | undefined>()
  for (const [name, { digest }] of named) {
    const parsed = parseTokenDigest(digest)
    const path = `[${JSON.stringify(name)}].digest`
    if (EMPTY_DIGESTS.has(parsed)) problems.push({ path, message: 'is the digest of no text' })
    else if (seen.has(parsed)) problems.push({ path, message: 'is listed more than once' })
    seen.add(parsed)
  }
  checkOptions('localBearer', problems)
}

/**
 * Accepts tokens that the operator has handed out, each known to the server by its SHA-256 digest.
 *
 * A token is compared with all configured digests in time that does not depend on which one matches.
 * The caller is the service of that name with the scopes written beside it, and `allow` does not
 * apply, since the operator has named the caller already; with `email` the caller is that person and
 * `allow` applies. Verdicts are never cached, so a replaced configuration takes effect at once. The
 * strength of a token cannot be seen in its digest: make them with `generateBearerToken`.
 *
 * @example
 * ```ts
 * localBearer({
 *   'claude-code': { digest: 'sha256:…', scopes: ['coda.read'] },
 *   // Two tokens of one service are valid while one replaces the other.
 *   backup: [{ digest: 'sha256:…', expiresAt: '2027-01-31' }, { digest: 'sha256:…' }],
 * })
 * ```
 *
 * @throws ConfigurationError at once, for no token at all, a malformed name or digest, a token in
 * place of its digest (which is not repeated in the message) or a digest listed twice.
 * @see RFC 6750 section 5.2 - threat mitigation for bearer tokens
 */
export function localBearer(tokens: LocalBearerTokens): TokenValidator {
  const named = parseTokens(tokens)
  checkDigests(named)
  const entries = named.map(([name, token]) => createEntry(name, token))
  const digests = entries.map((entry) => entry.digest)
  const hasScopes = named.some(([, { scopes = [] }]) => scopes.length > 0)

  return {
    name: 'local-bearer',
    selects: { hasDigest: (digest) => findDigest(digests, digest) !== -1 },
    authorizationServers: [],
    scopeSource: hasScopes ? 'granted' : 'none',
    // The operator chose this server when writing the digest into its configuration.
    resourceBinding: 'client',
    validate(_credential, { digest, now }) {
      const entry = entries[findDigest(digests, digest)]
      if (entry === undefined) return { kind: 'rejected', reason: 'unknown_token' }
      // Written so that NaN, from a broken clock, refuses.
      if (!(now < entry.expiresAt)) return { kind: 'rejected', reason: 'expired' }
      return entry.accepted
    },
  }
}
