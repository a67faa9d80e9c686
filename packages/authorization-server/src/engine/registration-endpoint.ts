import { randomBytes } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { ClientMetadata } from '../clients/client-policy.js'
import { enforceLimits } from '../limits/rate-limited.js'
import type { Engine } from './engine.js'
import { type Answer, type EndpointRequest, jsonAnswer, oauthError } from './http.js'
import { digestClientSecret } from './secrets.js'

const MAX_BODY = 16 * 1024

function isPublic(metadata: ClientMetadata): boolean {
  return metadata.token_endpoint_auth_method === 'none'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Members without a value are left out: some clients refuse a `null`. */
function withoutUndefined(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}

async function register(engine: Engine, metadata: ClientMetadata): Promise<Answer> {
  const { storage, now, events, issuer, registrationId } = engine.parts
  const records = storage.records('Client')
  const clientId = isPublic(metadata) ? registrationId(metadata) : randomBytes(16).toString('hex')
  const known = isPublic(metadata) ? await records.find(clientId) : undefined
  const issuedAt = known?.client_id_issued_at ?? Math.floor(now() / 1000)
  const needsSecret = metadata.token_endpoint_auth_method.startsWith('client_secret_')
  const secret = needsSecret ? randomBytes(32).toString('base64url') : undefined

  const stored = withoutUndefined({
    ...metadata,
    client_id: clientId,
    client_id_issued_at: issuedAt,
    client_secret: secret === undefined ? undefined : digestClientSecret(secret),
    client_secret_expires_at: secret === undefined ? undefined : 0,
  })
  if (known === undefined) {
    await records.upsert(clientId, stored as AdapterPayload)
    await events.record({
      event: 'client.register',
      outcome: 'done',
      actor: { issuer, subject: clientId, clientId },
    })
  }
  return jsonAnswer(201, secret === undefined ? stored : { ...stored, client_secret: secret })
}

function hostOf(uri: string): string {
  const { protocol, hostname } = new URL(uri)
  // A loopback or private-use address says nothing of who it is; its scheme at least tells apps apart.
  return hostname === '' ? protocol : hostname
}

/**
 * Counts a registration that adds a client. Programs that register again and again, and hosted ones
 * that do so for many users from one address, stay within the limit of what is new.
 */
async function countRegistration(
  { parts }: Engine,
  { network }: EndpointRequest,
  metadata: ClientMetadata,
): Promise<void> {
  if (isPublic(metadata)) {
    const known = await parts.storage.records('Client').find(parts.registrationId(metadata))
    if (known !== undefined) return
  }
  const hosts = [...new Set(metadata.redirect_uris.map(hostOf))].sort()
  await enforceLimits(
    parts.limits,
    { limit: 'register', key: [network] },
    { limit: 'registerPerHost', key: [network, ...hosts] },
  )
}

/**
 * Answers `/oauth/register`. Equal registrations of public clients give the same client, so that a
 * program that registers at every start does not fill the database.
 *
 * @see RFC 7591 section 3
 */
export async function answerRegistration(
  engine: Engine,
  request: EndpointRequest,
): Promise<Answer> {
  if (request.method !== 'POST') {
    return oauthError(405, 'invalid_request', 'use POST', { allow: 'POST, OPTIONS' })
  }
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json') {
    return oauthError(415, 'invalid_client_metadata', 'send application/json')
  }
  const text = await request.body(MAX_BODY)
  if (text === undefined) {
    return oauthError(413, 'invalid_client_metadata', 'the registration is too long')
  }
  const result = engine.parts.parseRegistration(parseJson(text))
  if (!result.ok) return oauthError(400, result.error, result.description)
  await countRegistration(engine, request, result.metadata)
  return engine.parts.storage.transaction(() => register(engine, result.metadata))
}
