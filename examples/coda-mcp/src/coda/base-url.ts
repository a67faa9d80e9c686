/** Where Coda's API is, unless configured otherwise. */
export const defaultCodaBaseUrl = 'https://coda.io/apis/v1'

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** Tells whether Coda's API may be reached at this URL: https, or http on loopback. */
export function isCodaBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, username, password, search, hash } = new URL(value)
  const plain = username === '' && password === '' && search === '' && hash === ''
  return plain && (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname)))
}
