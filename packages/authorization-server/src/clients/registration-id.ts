import { createHmac, randomBytes } from 'node:crypto'
import type { ClientMetadata } from './client-policy.js'
import { parseLoopbackUri } from './redirect-uri.js'

// No https URL, so that it can never be taken for the address of a client ID metadata document.
const PREFIX = 'dcr_'
const RANDOM_BYTES = 32
const LABEL = 'mcp-authorization-server client registration 1'

function withoutLoopbackPort(uri: string): string {
  const loopback = parseLoopbackUri(uri)
  return loopback === undefined ? uri : `http://${loopback.host}${loopback.rest}`
}

/**
 * Makes the id of a dynamically registered client.
 *
 * Public clients that register alike get the same id, since some register at every connection. Alike
 * means equal in everything that the consent page shows or that limits the client: name, redirect URIs
 * apart from loopback ports and order, grants, software id, and the linked pages and logo (or else
 * whoever registers first could lend another client a link). A client with a secret or key gets a
 * random id: equal metadata does not make it the same holder.
 *
 * @param key - secret of this server, stable across restarts and replicas. At least 32 bytes.
 */
export function registrationId(metadata: ClientMetadata, key: string | Uint8Array): string {
  if (metadata.token_endpoint_auth_method !== 'none') {
    return PREFIX + randomBytes(RANDOM_BYTES).toString('base64url')
  }
  const shown = [
    LABEL,
    metadata.client_name ?? null,
    [...new Set(metadata.redirect_uris.map(withoutLoopbackPort))].sort(),
    [...metadata.grant_types].sort(),
    metadata.software_id ?? null,
    metadata.client_uri ?? null,
    metadata.logo_uri ?? null,
    metadata.tos_uri ?? null,
    metadata.policy_uri ?? null,
  ]
  return PREFIX + createHmac('sha256', key).update(JSON.stringify(shown)).digest('base64url')
}
