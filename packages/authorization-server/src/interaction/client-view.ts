import { cleanClientName } from '../clients/client-name.js'
import type { ClientView } from '../pages/pages.js'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** What the pages show of a client. Its name is its own claim; the hosts are facts. */
export function describeClient(
  client: { readonly clientId: string; readonly clientName?: string | undefined },
  redirectUri: string,
): ClientView {
  const redirect = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined
  const isWeb = redirect?.protocol === 'https:' || redirect?.protocol === 'http:'
  const isDocument = client.clientId.startsWith('https://') && URL.canParse(client.clientId)
  const redirectHost = isWeb ? (redirect?.host ?? '') : (redirect?.protocol ?? '')
  return {
    name: cleanClientName(client.clientName ?? '') ?? redirectHost,
    idHost: isDocument ? new URL(client.clientId).host : undefined,
    redirectHost,
    isLoopback: isWeb && LOOPBACK.has(redirect?.hostname ?? ''),
    isPrivateScheme: !isWeb,
  }
}
