import * as z from 'zod/mini'
import { parseOptions } from '../configuration.js'
import { claimOf } from '../jwt/claims.js'
import type { Principal } from '../principal.js'
import { bearerTokenProblem } from '../resource-server/bearer-token.js'
import type { ProofOfPossession } from '../resource-server/proof-of-possession.js'
import type { ProtectedResource } from '../resource-server/protected-resource.js'
import {
  headerOf,
  isRepeated,
  pathOf,
  queryHas,
  type RequestView,
} from '../resource-server/request-view.js'
import { sha256 } from '../runtime.js'
import { createUsedProofs } from './used-proofs.js'
import { type ProofAlgorithm, verifyDpopProof } from './verify-proof.js'

/** Options of {@link dpop}. */
export interface DpopOptions {
  /** Default `ES256`, `RS256`, `EdDSA` and `Ed25519`. */
  readonly algorithms?: readonly ProofAlgorithm[] | undefined
  /** Oldest proof, in seconds, 1 to 300. Default 60. A proof may be 10 s ahead of our clock. */
  readonly maxAgeSeconds?: number | undefined
  /** Used proofs that this process remembers. Default 100,000; the one used first goes first. */
  readonly maxEntries?: number | undefined
  /**
   * Tells whether a proof is used for the first time, for replicas that have to share that: stores `id`
   * (43 characters) until `usableUntil`, in epoch milliseconds, and resolves with `false` when it was
   * there. Default: memory of this process. A rejection is answered 503.
   */
  readonly isFirstUse?:
    | ((id: string, usableUntil: number) => boolean | Promise<boolean>)
    | undefined
}

const ALGORITHMS = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
const whole = (maximum: number) => {
  const error = `must be a whole number from 1 to ${maximum}`
  return z.int(error).check(z.minimum(1, error), z.maximum(maximum, error))
}

const Options = z.strictObject({
  algorithms: z._default(
    z
      .readonly(z.array(z.enum(ALGORITHMS, `must be one of ${ALGORITHMS.join(', ')}`)))
      .check(z.minLength(1, 'must not be empty')),
    ['ES256', 'RS256', 'EdDSA', 'Ed25519'],
  ),
  maxAgeSeconds: z._default(whole(300), 60),
  maxEntries: z._default(whole(10_000_000), 100_000),
  isFirstUse: z.optional(
    z.custom<NonNullable<DpopOptions['isFirstUse']>>(
      (value) => typeof value === 'function',
      'must be a function',
    ),
  ),
})

// RFC 9449 section 7.1: credentials = "DPoP" 1*SP token68; the scheme is case-insensitive.
const SCHEME = /^dpop(?: +|$)/i
const RETRY_AFTER_SECONDS = 5

/** Thumbprint of the key that a token is bound to. Any other confirmation cannot be verified here. */
function boundKeyOf({ claims }: Principal): string | undefined {
  const confirmation = claimOf(claims, 'cnf')
  if (typeof confirmation !== 'object' || confirmation === null) return undefined
  const [name, ...others] = Object.keys(confirmation)
  const value: unknown = Reflect.get(confirmation, 'jkt')
  return name === 'jkt' && others.length === 0 && typeof value === 'string' ? value : undefined
}

/** Public URL of a request, by the configured resource; what the request says of its host does not count. */
function urlOf(
  view: RequestView,
  { url, localPath }: Pick<ProtectedResource, 'url' | 'localPath'>,
): URL | undefined {
  const path = pathOf(view.target)
  if (path === localPath) return url
  const other = `${url.origin}${path}`
  return path.startsWith('/') && URL.canParse(other) ? new URL(other) : undefined
}

/**
 * Lets tokens in that are bound to a client's key (`cnf.jkt`), sent as `Authorization: DPoP` with a proof
 * of that key. Bearer tokens go on working, and bound ones are refused without their proof, as ever.
 *
 * A proof has to be for this method, URL and token, of now, and used once. Its URL is compared with the
 * configured resource. JWTs are covered, of all validators for JWTs; introspected and local tokens are
 * not. Nonces are not asked for.
 *
 * @example
 * ```ts
 * import { dpop } from '@bestviable/mcp-auth-middleware/dpop'
 *
 * const auth = createMcpAuth({
 *   resource: 'https://mcp.example.com/mcp',
 *   validators: [oidc({ issuer: 'https://login.example.com' })],
 *   dpop: dpop(),
 * })
 * ```
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed.
 * @see RFC 9449 section 7
 */
export function dpop(options: DpopOptions = {}): ProofOfPossession {
  const { algorithms, maxAgeSeconds, maxEntries, isFirstUse } = parseOptions(
    'dpop',
    Options,
    options,
  )
  const used = isFirstUse ?? createUsedProofs(maxEntries)
  const rejected = (reason: string) => ({ kind: 'rejected', reason }) as const

  return {
    read(view) {
      const header = headerOf(view, 'authorization') ?? ''
      const start = SCHEME.exec(header)?.[0].length
      if (start === undefined) return { kind: 'absent' }
      if (isRepeated(view, 'authorization')) {
        return { kind: 'malformed', status: 400, reason: 'authorization_repeated' }
      }
      const token = header.slice(start)
      const problem = bearerTokenProblem(token)
      if (problem !== undefined) return problem
      return queryHas(view.target, 'access_token')
        ? { kind: 'malformed', status: 400, reason: 'two_methods' }
        : { kind: 'present', token }
    },

    async verify(view, { credential, principal, resource, now }) {
      const key = boundKeyOf(principal)
      if (key === undefined) return rejected('not_sender_constrained')
      const given = headerOf(view, 'dpop')
      if (given === undefined || given === '') return rejected('proof_missing')
      if (isRepeated(view, 'dpop')) return rejected('proof_repeated')
      const url = urlOf(view, resource)
      const proof =
        url &&
        (await verifyDpopProof(given, {
          method: view.method,
          url,
          accessToken: credential,
          algorithms,
          maxAgeSeconds,
          now,
        }))
      if (proof === undefined) return rejected('proof_invalid')
      if (proof.thumbprint !== key) return rejected('proof_of_another_key')
      const id = await sha256(`${proof.thumbprint} ${proof.id}`)
      try {
        return (await used(id, proof.usableUntil, now)) ? undefined : rejected('proof_replayed')
      } catch {
        return {
          kind: 'unavailable',
          retryAfterSeconds: RETRY_AFTER_SECONDS,
          reason: 'proof_memory_unavailable',
        }
      }
    },

    offer(response, reason) {
      // Behind the Bearer challenge: some clients read the first one only.
      const error = reason.startsWith('proof_') ? 'error="invalid_dpop_proof", ' : ''
      const challenge = `${response.headers['www-authenticate']}, DPoP ${error}algs="${algorithms.join(' ')}"`
      return { ...response, headers: { ...response.headers, 'www-authenticate': challenge } }
    },
  }
}
