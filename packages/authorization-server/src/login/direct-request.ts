import type { IncomingHttpHeaders } from 'node:http'
import { isLoopbackUrl } from './upstream-url.js'

/** Headers that proxies, content delivery networks and tunnels add to what they hand on. */
const FORWARDING_HEADERS: readonly string[] = [
  'cdn-loop',
  'fastly-client-ip',
  'forwarded',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
]

const FORWARDING_PREFIXES: readonly string[] = [
  'cf-',
  'fly-',
  'tailscale-',
  'x-azure-',
  'x-envoy-',
  'x-forwarded',
]

function isForwarding(name: string): boolean {
  return (
    FORWARDING_HEADERS.includes(name) ||
    FORWARDING_PREFIXES.some((prefix) => name.startsWith(prefix))
  )
}

/**
 * Tells whether a request seems to come from this machine itself: for a loopback `Host`, and without a
 * header that something in between would have added. A tunnel that hands on bytes and reads no HTTP
 * leaves neither trace behind a caller who writes `Host: localhost`, and is not seen.
 */
export function isDirectRequest(headers: IncomingHttpHeaders): boolean {
  if (!isLoopbackUrl(`http://${headers.host ?? ''}`)) return false
  return !Object.keys(headers).some(isForwarding)
}
