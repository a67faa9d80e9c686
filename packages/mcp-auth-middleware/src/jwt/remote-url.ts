const LOOPBACK_IPV4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/

/** Tells whether a URL's host can only be this machine. `hostname` is as {@link URL} normalises it. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    LOOPBACK_IPV4.test(hostname)
  )
}

/** What is wrong with a URL from which keys are to be fetched; `undefined` when nothing is. */
export function remoteUrlProblem(text: string): string | undefined {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return 'must be an absolute https URL'
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https URL'
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
  if (url.hash !== '' || text.endsWith('#')) return 'must not contain a fragment'
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return 'must use https, except on a loopback host'
  }
  return undefined
}

/** Tells whether an http or https URL points at this machine. */
export function isLoopbackUrl(text: string): boolean {
  return URL.canParse(text) && isLoopback(new URL(text).hostname)
}
