import { isIP } from 'node:net'

const MAX_LENGTH = 2048
const VISIBLE_ASCII = /^[!-~]+$/
// Names that are never in the public DNS (RFC 6761, RFC 6762, RFC 8375, and ".internal").
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/

/** Tells whether text is an https URL of a public web site, without fetching it. */
export function isPublicHttpsUri(text: string): boolean {
  if (text.length > MAX_LENGTH || !VISIBLE_ASCII.test(text) || text.includes('\\')) return false
  if (!text.startsWith('https://') || !URL.canParse(text)) return false
  const { hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  const isAddress = hostname.startsWith('[') || isIP(hostname) !== 0
  return !isAddress && hostname.includes('.') && !LOCAL_NAME.test(hostname)
}
