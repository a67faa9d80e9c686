const LOOPBACK_IPV4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/

/** Tells whether a URL's host can only be this machine. */
export function isLoopbackUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { hostname } = new URL(text)
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    LOOPBACK_IPV4.test(hostname)
  )
}

/** What is wrong with the URL of an upstream endpoint; `undefined` when nothing is. */
export function upstreamUrlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be an absolute https URL'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https URL'
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
  if (url.hash !== '' || text.endsWith('#')) return 'must not contain a fragment'
  if (url.protocol === 'http:' && !isLoopbackUrl(text)) {
    return 'must use https, except on a loopback host'
  }
  return undefined
}

/** What is wrong with an issuer identifier (OpenID Connect Discovery 1.0 section 3). */
export function issuerProblem(text: string): string | undefined {
  const problem = upstreamUrlProblem(text)
  if (problem !== undefined) return problem
  return text.includes('?') ? 'must not contain a query' : undefined
}
