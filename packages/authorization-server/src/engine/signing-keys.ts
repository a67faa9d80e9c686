import { createHash, generateKeyPairSync } from 'node:crypto'
import type { SigningKey } from '../storage/storage.js'

/** How long resource servers may keep our JWK Set, in seconds: its `max-age`. */
export const JWKS_MAX_AGE = 300
/** How often replicas read the keys, in seconds. */
export const KEY_POLL_SECONDS = 60
const MARGIN_SECONDS = 60

/** What the lifetimes of keys follow from. */
export interface KeyPolicy {
  readonly algorithm: SigningKey['algorithm']
  /** Longest life of any token, in seconds. */
  readonly longestTokenLife: number
}

/** Makes a key pair. Synchronous, since it happens at first start and at rotations only. */
export function generateSigningKey(
  algorithm: SigningKey['algorithm'],
  now: number,
  signsFrom: number,
): SigningKey {
  const { privateKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = privateKey.export({ format: 'jwk' })
  const members =
    algorithm === 'ES256'
      ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
      : { e: jwk.e, kty: jwk.kty, n: jwk.n }
  // RFC 7638: the thumbprint names the key, so two keys can never share an id.
  const kid = createHash('sha256').update(JSON.stringify(members)).digest('base64url')
  return {
    kid,
    algorithm,
    state: signsFrom <= now ? 'active' : 'pending',
    jwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
    createdAt: now,
    signsFrom,
  }
}

/**
 * Brings keys to the state that they have at `now`, in epoch seconds: pending keys whose time has come
 * sign, the ones before them retire, and retired ones go once their last token has expired.
 */
export function advanceSigningKeys(
  keys: readonly SigningKey[],
  now: number,
  policy: KeyPolicy,
): readonly SigningKey[] {
  const usable = keys.filter(({ state }) => state !== 'retired')
  const due = usable.filter(({ signsFrom }) => signsFrom <= now)
  const signing = due.reduce<SigningKey | undefined>(
    (latest, key) => (latest === undefined || key.signsFrom > latest.signsFrom ? key : latest),
    undefined,
  )
  return keys.flatMap((key): SigningKey[] => {
    if (key.state === 'retired') {
      return key.removeAt !== undefined && key.removeAt <= now ? [] : [key]
    }
    if (key === signing) return [key.state === 'active' ? key : { ...key, state: 'active' }]
    if (key.signsFrom > now) return [key]
    // Another replica may sign with it until its next poll.
    const removeAt = now + policy.longestTokenLife + KEY_POLL_SECONDS + MARGIN_SECONDS
    return [{ ...key, state: 'retired', removeAt }]
  })
}

/** Adds a key that signs once every resource server can know it; the first key signs at once. */
export function rotateSigningKeys(
  keys: readonly SigningKey[],
  now: number,
  policy: KeyPolicy,
): readonly SigningKey[] {
  const advanced = advanceSigningKeys(keys, now, policy)
  // A rotation is under way; a second one would only push the first key out early.
  if (advanced.some(({ state }) => state === 'pending')) return advanced
  const isFirst = !advanced.some(({ state }) => state === 'active')
  const delay = isFirst ? 0 : JWKS_MAX_AGE + KEY_POLL_SECONDS + MARGIN_SECONDS
  return [...advanced, generateSigningKey(policy.algorithm, now, now + delay)]
}

/** Drops every key that has signed and puts a new one in its place at once. */
export function replaceSigningKeys(
  keys: readonly SigningKey[],
  now: number,
  policy: KeyPolicy,
): readonly SigningKey[] {
  const pending = keys.find(({ state }) => state === 'pending')
  // A published key is taken first: replicas and resource servers may know it already.
  return [
    pending === undefined
      ? generateSigningKey(policy.algorithm, now, now)
      : { ...pending, state: 'active', signsFrom: now },
  ]
}

/** The key that signs now. */
export function signingKeyOf(keys: readonly SigningKey[]): SigningKey | undefined {
  return keys.find(({ state }) => state === 'active')
}

/** Public part of a key: named members only, so that no private one can slip through. */
export function publicJwk({ kid, algorithm, jwk }: SigningKey): Record<string, unknown> {
  const names = algorithm === 'ES256' ? ['crv', 'x', 'y'] : ['n', 'e']
  const members = Object.fromEntries(names.map((name) => [name, jwk[name]]))
  return { kty: jwk.kty, ...members, kid, alg: algorithm, use: 'sig' }
}

/** What makes a stored key unusable, or `undefined`. */
export function signingKeyProblem({ algorithm, jwk }: SigningKey): string | undefined {
  if (typeof jwk.d !== 'string') return 'has no private part'
  if (algorithm === 'ES256') {
    return jwk.kty === 'EC' && jwk.crv === 'P-256' ? undefined : 'is not a P-256 key'
  }
  if (jwk.kty !== 'RSA' || typeof jwk.n !== 'string') return 'is not an RSA key'
  return Buffer.from(jwk.n, 'base64url').length >= 256 ? undefined : 'has fewer than 2048 bits'
}
