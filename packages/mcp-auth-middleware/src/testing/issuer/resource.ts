import { Refusal } from './endpoint.js'

function canonical(uri: string): string {
  return new URL(uri).href
}

function checkResource(uri: string): string {
  if (!URL.canParse(uri) || !/^https?:/i.test(uri) || uri.includes('#')) {
    throw new Refusal('invalid_target', 'resource must be an absolute URI without a fragment')
  }
  return uri
}

/**
 * Decides the audience of a token from the `resource` parameters of a request (RFC 8707 section 2).
 *
 * Without the parameter it is everything allowed. A resource is found by its canonical form, since
 * clients send `https://host/` for `https://host`, and named as the issuer knows it.
 */
export function selectAudience(
  requested: readonly string[],
  allowed: readonly string[],
): readonly string[] {
  const resources = requested.map(checkResource)
  if (allowed.length === 0) {
    if (resources.length > 0) return [...new Set(resources)]
    throw new Refusal('invalid_target', 'no resource was named and the issuer has no default one')
  }
  const urls = new Map(
    allowed.filter((uri) => URL.canParse(uri)).map((uri) => [canonical(uri), uri]),
  )
  // Issuers with a project name for an audience do not read `resource` at all.
  if (resources.length === 0 || urls.size === 0) return allowed

  return resources.map((uri) => {
    const known = urls.get(canonical(uri))
    if (known === undefined) throw new Refusal('invalid_target', 'this resource is not known here')
    return known
  })
}
