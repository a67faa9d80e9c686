import { randomBytes, randomUUID } from 'node:crypto'
import type { EndpointRequest } from './endpoint.js'
import { Refusal } from './endpoint.js'

/** How a client proves itself at the token endpoint. */
export type ClientAuthMethod = 'none' | 'client_secret_post' | 'client_secret_basic'

/** All supported methods, as listed in the metadata. */
export const CLIENT_AUTH_METHODS: readonly ClientAuthMethod[] = [
  'none',
  'client_secret_post',
  'client_secret_basic',
]

/** A client that the issuer knows. */
export interface KnownClient {
  readonly clientId: string
  /** Absent for public clients. */
  readonly clientSecret?: string | undefined
  readonly redirectUris: readonly string[]
  readonly mayRefresh: boolean
  /** Named in the options, so it may introspect every token and not only its own. */
  readonly configured: boolean
}

/** Clients named in the options and those that registered. */
export interface ClientRegistry {
  find(clientId: string): KnownClient | undefined
  add(client: Omit<KnownClient, 'clientId' | 'clientSecret'>, method: ClientAuthMethod): KnownClient
}

export function createClientRegistry(configured: readonly KnownClient[]): ClientRegistry {
  const clients = new Map(configured.map((client) => [client.clientId, client]))
  return {
    find: (clientId) => clients.get(clientId),
    add(client, method) {
      const clientId = `client-${randomUUID()}`
      const clientSecret = method === 'none' ? undefined : randomBytes(32).toString('base64url')
      const known = { ...client, clientId, clientSecret }
      clients.set(clientId, known)
      return known
    },
  }
}

function invalidClient(usedBasic: boolean): Refusal {
  return new Refusal(
    'invalid_client',
    'the client is unknown or did not authenticate',
    401,
    usedBasic ? { 'WWW-Authenticate': 'Basic realm="test issuer"' } : {},
  )
}

function decodeFormComponent(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

/** Reads RFC 6749 section 2.3.1 credentials from `Authorization: Basic`. */
function parseBasic(authorization: string): { id: string; secret: string } {
  const encoded = /^basic ([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1]
  if (encoded === undefined) throw invalidClient(true)
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) throw invalidClient(true)
  try {
    return {
      id: decodeFormComponent(text.slice(0, colon)),
      secret: decodeFormComponent(text.slice(colon + 1)),
    }
  } catch {
    // A malformed percent-escape is a client that cannot be identified.
    throw invalidClient(true)
  }
}

/** Finds out which client sent a request, by one method and not by two. */
export function authenticateClient(
  clients: ClientRegistry,
  { authorization }: Pick<EndpointRequest, 'authorization'>,
  form: URLSearchParams,
): KnownClient {
  const postedId = form.get('client_id')
  const postedSecret = form.get('client_secret')
  const usedBasic = authorization !== undefined

  if (usedBasic && postedSecret !== null) {
    throw new Refusal('invalid_request', 'the client used two authentication methods')
  }
  const { id, secret } = usedBasic
    ? parseBasic(authorization)
    : { id: postedId ?? '', secret: postedSecret ?? undefined }
  if (usedBasic && postedId !== null && postedId !== id) throw invalidClient(true)

  const client = clients.find(id)
  if (client === undefined || client.clientSecret !== secret) throw invalidClient(usedBasic)
  return client
}
