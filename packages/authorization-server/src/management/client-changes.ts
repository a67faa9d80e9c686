import { randomBytes } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import { digestClientSecret } from '../engine/secrets.js'
import type { AuthorizationServerEventName } from '../storage/event-names.js'
import type { ClientRecord } from '../storage/storage.js'
import { checkClientInput } from './client-input.js'
import type {
  ChangeOptions,
  ClientAuthMethod,
  ClientInput,
  ClientWithSecret,
  ManagedClient,
} from './management.js'
import { actorOf, endOfTokens, type ManagementParts } from './management-parts.js'
import { quote, refuseArgument } from './refuse.js'

const METHODS: readonly ClientAuthMethod[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
]

function isDocumentId(clientId: string): boolean {
  return /^https:\/\/./.test(clientId) && URL.canParse(clientId)
}

/** A client as operators see it. */
export function managedClient(record: ClientRecord): ManagedClient {
  const { clientId, tokenEndpointAuthMethod: stored } = record
  const method = METHODS.find((each) => each === stored) ?? 'client_secret_basic'
  // An id that we give is no URL; a row at one is there to keep the client out.
  const origin = isDocumentId(clientId) ? 'document' : record.origin
  return { ...record, origin, tokenEndpointAuthMethod: method }
}

async function requireClient(
  { storage }: ManagementParts,
  clientId: string,
): Promise<ClientRecord> {
  const record = await storage.clients.find(clientId)
  return record ?? refuseArgument('clients', 'clientId', `there is no client ${quote(clientId)}`)
}

function usesSecret(method: string): boolean {
  return method.startsWith('client_secret_')
}

/** 256 random bits: nobody can find them from their hash. */
function createSecret(): string {
  return randomBytes(32).toString('base64url')
}

function record(
  parts: ManagementParts,
  event: AuthorizationServerEventName,
  clientId: string,
  options: ChangeOptions | undefined,
): Promise<void> {
  return parts.record({ event, outcome: 'done', actor: actorOf(options), details: { clientId } })
}

export async function createClient(
  parts: ManagementParts,
  input: ClientInput,
  options?: ChangeOptions,
): Promise<ClientWithSecret> {
  const { storage, now } = parts
  const { metadata, scope } = checkClientInput(input, parts)
  const clientId = randomBytes(16).toString('hex')
  const clientSecret = usesSecret(metadata.token_endpoint_auth_method) ? createSecret() : undefined
  const payload = {
    ...metadata,
    client_id: clientId,
    client_id_issued_at: Math.floor(now() / 1000),
    origin: 'registered',
    ...(scope === undefined ? {} : { scope }),
    ...(clientSecret === undefined
      ? {}
      : { client_secret: digestClientSecret(clientSecret), client_secret_expires_at: 0 }),
  }
  const client = await storage.transaction(async () => {
    // The engine's type lists the members that it knows, of which these are some.
    await storage.records('Client').upsert(clientId, payload as unknown as AdapterPayload)
    await record(parts, 'client.create', clientId, options)
    return requireClient(parts, clientId)
  })
  return { client: managedClient(client), clientSecret }
}

export async function rotateClientSecret(
  parts: ManagementParts,
  clientId: string,
  options?: ChangeOptions,
): Promise<ClientWithSecret> {
  const { storage } = parts
  const clientSecret = createSecret()
  const client = await storage.transaction(async () => {
    const known = await requireClient(parts, clientId)
    await storage.lock('Client', clientId)
    const payload = await storage.records('Client').find(clientId)
    if (payload === undefined) {
      return refuseArgument('clients', 'clientId', `${quote(clientId)} was turned off`)
    }
    if (!usesSecret(known.tokenEndpointAuthMethod)) {
      const message = `${quote(clientId)} has no secret: it authenticates by ${known.tokenEndpointAuthMethod}`
      return refuseArgument('clients', 'clientId', message)
    }
    const { origin } = known
    const changed = { ...payload, origin, client_secret: digestClientSecret(clientSecret) }
    await storage.records('Client').upsert(clientId, changed as AdapterPayload)
    await record(parts, 'client.rotate-secret', clientId, options)
    return known
  })
  return { client: managedClient(client), clientSecret }
}

/** A row for a client that is known by its document only, so that it can be turned off. */
async function ensureRow({ storage }: ManagementParts, clientId: string): Promise<void> {
  if (!isDocumentId(clientId) || (await storage.clients.find(clientId)) !== undefined) return
  const { clientName } = (await storage.clients.findListed(clientId)) ?? {}
  const payload = {
    client_id: clientId,
    ...(clientName === undefined ? {} : { client_name: clientName }),
    redirect_uris: [],
    grant_types: [],
    token_endpoint_auth_method: 'none',
    origin: 'registered',
  }
  await storage.records('Client').upsert(clientId, payload as AdapterPayload)
}

export async function revokeClient(
  parts: ManagementParts,
  clientId: string,
  options?: ChangeOptions,
): Promise<ManagedClient> {
  const { storage } = parts
  const client = await storage.transaction(async () => {
    await ensureRow(parts, clientId)
    await requireClient(parts, clientId)
    await storage.grants.lockOfClient(clientId)
    const expiresAt = endOfTokens(parts)
    await storage.clients.setActive(clientId, false)
    await storage.grants.revokeByClient(clientId, expiresAt)
    // Ends the tokens that it got for itself, and those of requests that are under way.
    await storage.revocations.add([{ kind: 'client', id: clientId, expiresAt }])
    await record(parts, 'client.revoke', clientId, options)
    return requireClient(parts, clientId)
  })
  return managedClient(client)
}
