import { isIP } from 'node:net'
import { isPublicAddress } from '@bestviable/mcp-authorization-server/management'

/** A host as it is compared: an address without brackets, a name without the dot of the root. */
function hostOf(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

/** Whether a host is this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostOf(hostname)
  if (host === '::1') return true
  return isIP(host) === 4 ? host.startsWith('127.') : /(?:^|\.)localhost$/.test(host)
}

/**
 * Whether a host can only be reached from inside: this machine, an address that is not of the public
 * internet, a name of a cluster or of a local network. Resolves no name.
 */
export function isInternal(hostname: string): boolean {
  const host = hostOf(hostname)
  if (isLoopback(host)) return true
  if (isIP(host) !== 0) return !isPublicAddress(host)
  return !host.includes('.') || /\.(?:local|internal|lan|home\.arpa|svc)$/.test(host)
}

/**
 * Whether a URL that a server names may be asked. A public server must not lead the one who looks at it
 * into his own network. What its name resolves to is not looked at here but before each request, see `reach.ts`.
 */
export function mayAsk(url: URL, target: URL): boolean {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return false
  if (url.username !== '' || url.password !== '') return false
  return isInternal(target.hostname) || !isInternal(url.hostname)
}

/** Whether a URL has a scheme or a host that only the inside knows, where the endpoint is public. */
export function isBuiltFromRequest(url: URL, target: URL): boolean {
  if (target.protocol === 'https:' && url.protocol === 'http:') return true
  if (isInternal(target.hostname)) return url.protocol === 'http:' && !isInternal(url.hostname)
  return isInternal(url.hostname)
}
