import { isIP } from 'node:net'
import { FetchFailure } from './fetch-failure.js'
import { matchesHost } from './host-pattern.js'

const MAX_LENGTH = 2048
const DEFAULT_PORT = 443

/** What the operator allows in the address of a document. */
export interface DocumentIdRules {
  readonly hosts: readonly string[] | undefined
  readonly ports: readonly number[]
}

function refuse(reason: string): never {
  throw new FetchFailure('invalid', reason)
}

/**
 * Checks that a client id can be the address of a client ID metadata document.
 *
 * It must be in the normal form of the URL standard, since ids are compared as text: this leaves no dot
 * segments, upper-case hosts, written-out port 443 or odd characters.
 *
 * @throws FetchFailure when it is not.
 * @see draft-ietf-oauth-client-id-metadata-document section 3
 */
export function parseDocumentId(id: string, rules: DocumentIdRules): URL {
  if (id.length > MAX_LENGTH || !URL.canParse(id)) refuse('id_malformed')
  const url = new URL(id)
  if (url.protocol !== 'https:') refuse('id_not_https')
  if (url.username !== '' || url.password !== '') refuse('id_with_user')
  if (id.includes('#')) refuse('id_with_fragment')
  if (url.pathname === '/') refuse('id_without_path')
  if (url.href !== id) refuse('id_not_normal')
  if (url.hostname.startsWith('[') || isIP(url.hostname) !== 0) refuse('id_with_address')
  // The dot of the DNS root makes another name of the same host.
  if (url.hostname.endsWith('.')) refuse('id_not_normal')
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port)
  if (!rules.ports.includes(port)) refuse('port_not_allowed')
  if (rules.hosts !== undefined && !matchesHost(rules.hosts, url.hostname)) {
    refuse('host_not_allowed')
  }
  return url
}
