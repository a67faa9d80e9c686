import type { ConfigurationProblem } from '../errors.js'
import { peekIssuer } from '../jwt/peek-issuer.js'
import type { TokenValidator } from '../validators/validator.js'

/** Chooses the one validator that a Bearer token belongs to. */
export type ValidatorSelection = (token: string, digest: string) => TokenValidator | undefined

// Fields are looked up by their lower-case name; another spelling would never be found.
const OWN_HEADER = /^(?!(?:authorization|cookie)$)[a-z0-9-]{1,64}$/

/** Reports validators whose credentials could not be told apart. */
export function checkValidatorSelectors(
  validators: readonly TokenValidator[],
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const owners = new Map<string, number>()
  const claim = (kind: string, value: string, index: number, advice: string): void => {
    const key = `${kind} ${value}`
    const owner = owners.get(key)
    if (owner === undefined) owners.set(key, index)
    else if (owner !== index) {
      problems.push({
        path: `validators[${index}]`,
        message: `takes the same ${kind} ${JSON.stringify(value)} as validators[${owner}]; ${advice}`,
      })
    }
  }
  validators.forEach(({ selects }, index) => {
    const { header, issuers = [], prefixes = [], opaque, hasDigest, matchesIssuer } = selects
    for (const issuer of issuers) claim('issuer', issuer, index, 'an issuer has one validator')
    for (const prefix of prefixes) {
      if (prefix === '') {
        problems.push({ path: `validators[${index}].prefixes`, message: 'must not be empty' })
      }
      claim('prefix', prefix, index, 'give each its own prefix')
    }
    if (header !== undefined) {
      claim('header', header.name, index, 'a header has one validator')
      if (!OWN_HEADER.test(header.name)) {
        problems.push({
          path: `validators[${index}].selects.header.name`,
          message: 'must be a header name in lower case, other than authorization and cookie',
        })
      }
    }
    if (opaque === true) claim('kind of token:', 'opaque', index, 'give each its own prefixes')
    if (
      issuers.length === 0 &&
      prefixes.length === 0 &&
      header === undefined &&
      opaque !== true &&
      hasDigest === undefined &&
      matchesIssuer === undefined
    ) {
      problems.push({
        path: `validators[${index}].selects`,
        message: 'selects no credential; name a header, issuers, prefixes, digests or opaque',
      })
    }
  })
  return problems
}

/**
 * Builds the selection. Digests are looked at first, since a local token may look like anything, then
 * the longest prefix, then the `iss` of a JWT; only what is left over is opaque.
 */
export function createValidatorSelection(
  validators: readonly TokenValidator[],
): ValidatorSelection {
  const byIssuer = new Map<string, TokenValidator>()
  const byPrefix: [prefix: string, validator: TokenValidator][] = []
  const byDigest: TokenValidator[] = []
  const byTemplate: TokenValidator[] = []
  let opaque: TokenValidator | undefined

  for (const validator of validators) {
    const { issuers = [], prefixes = [], hasDigest, matchesIssuer } = validator.selects
    for (const issuer of issuers) byIssuer.set(issuer, validator)
    for (const prefix of prefixes) byPrefix.push([prefix, validator])
    if (hasDigest !== undefined) byDigest.push(validator)
    if (matchesIssuer !== undefined) byTemplate.push(validator)
    if (validator.selects.opaque === true) opaque = validator
  }
  byPrefix.sort(([left], [right]) => right.length - left.length)

  return (token, digest) => {
    for (const validator of byDigest) {
      if (validator.selects.hasDigest?.(digest) === true) return validator
    }
    for (const [prefix, validator] of byPrefix) {
      if (token.startsWith(prefix)) return validator
    }
    const issuer = byIssuer.size + byTemplate.length > 0 ? peekIssuer(token) : undefined
    if (issuer === undefined) return opaque
    return (
      byIssuer.get(issuer) ??
      byTemplate.find((validator) => validator.selects.matchesIssuer?.(issuer) === true)
    )
  }
}
