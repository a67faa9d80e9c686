/** Where Coda's API is, unless configured otherwise. */
export const defaultCodaBaseUrl = 'https://coda.io/apis/v1'

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/**
 * Tells whether a link that Coda's API gave may be followed: https, or http on loopback where the API
 * itself is there, so that a forged link cannot reach what else listens on this machine.
 */
export function isDownloadLink(link: string, baseUrl: string): boolean {
  if (!URL.canParse(link)) return false
  const { protocol, hostname, username, password } = new URL(link)
  if (username !== '' || password !== '') return false
  const localApi = isLoopback(new URL(baseUrl).hostname)
  if (isLoopback(hostname)) return localApi
  // The storage behind Coda has names; addresses, and names without a domain, are those of this network.
  const isName = /^(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(hostname)
  return protocol === 'https:' && isName && !hostname.endsWith('.localhost')
}

/** Tells whether Coda's API may be reached at this URL: https, or http on loopback. */
export function isCodaBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, username, password, search, hash } = new URL(value)
  const plain = username === '' && password === '' && search === '' && hash === ''
  return plain && (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname)))
}
