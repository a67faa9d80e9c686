import { checkOptions } from '../configuration.js'
import type { ConfigurationProblem } from '../errors.js'
import type { JwsAlgorithm } from '../jwt/algorithms.js'
import { checkJwk } from '../jwt/jwk.js'
import { MAX_KEYS } from '../jwt/key-loader.js'
import type { KeySource } from '../jwt/key-source.js'
import { remoteUrlProblem } from '../jwt/remote-url.js'
import type { JwtProfile } from './jwt-profile.js'
import { MAX_TOKEN_LIFETIME } from './verification-options.js'

const MAX_CLOCK_TOLERANCE = 300

function isWithin(value: number | undefined, least: number, most: number): boolean {
  // Written so that NaN is out of range.
  return value === undefined || (value >= least && value <= most)
}

function localKeysProblem(
  keys: readonly unknown[],
  algorithms: readonly JwsAlgorithm[],
): string | undefined {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    return `must be a JWK Set of 1 to ${MAX_KEYS} public keys`
  }
  const reasons = keys.map((key) => {
    const checked = checkJwk(key, new Set(algorithms))
    return 'unusable' in checked ? checked.unusable : undefined
  })
  if (reasons.includes('private_key') || reasons.includes('symmetric_key')) {
    return 'must hold public keys only; a private or symmetric key has no place here'
  }
  return reasons.includes(undefined) ? undefined : `holds no usable key: ${reasons.join(', ')}`
}

function keySourceProblem(
  source: KeySource,
  algorithms: readonly JwsAlgorithm[],
): ConfigurationProblem | undefined {
  if ('jwks' in source) {
    const message = localKeysProblem(source.jwks.keys, algorithms)
    return message === undefined ? undefined : { path: 'jwks', message }
  }
  const [path, url] =
    'jwksUri' in source ? ['jwksUri', source.jwksUri] : ['issuer', source.discovery]
  const message = remoteUrlProblem(url)
  return message === undefined ? undefined : { path, message }
}

/** Refuses a profile that would verify nothing, or fetch keys from where they must not come. */
export function checkJwtProfile(profile: JwtProfile): void {
  const { name, issuers, issuerTemplate, keys, audiences, clientIds } = profile
  const problems: ConfigurationProblem[] = []
  const add = (path: string, message: string): void => {
    problems.push({ path, message })
  }

  if ((issuers === undefined) === (issuerTemplate === undefined)) {
    add('issuers', 'set either issuers or issuerTemplate')
  }
  if (issuers !== undefined && (issuers.length === 0 || issuers.includes(''))) {
    add('issuers', 'must hold at least one issuer, none of them empty')
  }
  if (profile.algorithms.length === 0) add('algorithms', 'must hold at least one algorithm')
  if (Array.isArray(audiences) && (audiences.length === 0 || audiences.includes(''))) {
    add('audience', 'must hold at least one value, none of them empty')
  }
  if (clientIds !== undefined && (clientIds.length === 0 || clientIds.includes(''))) {
    add('clientIds', 'must hold at least one client id, none of them empty')
  }
  if (audiences === null && clientIds === undefined) {
    add('clientIds', 'is required where tokens have no audience')
  }
  if (!isWithin(profile.clockTolerance, 0, MAX_CLOCK_TOLERANCE)) {
    add('clockTolerance', `must be 0 to ${MAX_CLOCK_TOLERANCE} s`)
  }
  if (!isWithin(profile.maxTokenLifetime, 1, MAX_TOKEN_LIFETIME)) {
    add('maxTokenLifetime', 'must be at most 31 days, in seconds')
  }
  const sources = typeof keys === 'function' ? (issuers ?? []).map(keys) : [keys]
  for (const source of sources) {
    const problem = keySourceProblem(source, profile.algorithms)
    if (problem !== undefined) problems.push(problem)
  }
  checkOptions(name, problems)
}
