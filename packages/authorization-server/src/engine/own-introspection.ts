import type { AdapterPayload } from 'oidc-provider'
import type { Engine } from './engine.js'
import { clientIdOf } from './form-endpoint.js'
import { type Answer, type EndpointRequest, jsonAnswer } from './http.js'
import type { OwnClaims } from './own-claims.js'
import { findRecord } from './own-token.js'
import type { EngineParts } from './parts.js'
import { matchesClientSecret } from './secrets.js'

/** Tells whether a client may be told about a token: its own, or any where it is a resource server. */
export function mayIntrospect(
  { resourceServerClients }: EngineParts,
  clientId: string,
  token: { readonly clientId?: string | undefined },
): boolean {
  return token.clientId === clientId || resourceServerClients.includes(clientId)
}

/** How a client proves itself by a secret. */
interface Proof {
  readonly method: 'client_secret_basic' | 'client_secret_post'
  readonly secret: string
}

/** The secret of a request that uses one way to prove who it is from, by a secret; else `undefined`. */
function proofOf({ headers }: EndpointRequest, form: URLSearchParams): Proof | undefined {
  const posted = form.get('client_secret')
  if (form.has('client_assertion')) return undefined
  if (headers.authorization === undefined) {
    return posted ? { method: 'client_secret_post', secret: posted } : undefined
  }
  const [, encoded] = /^basic +(.+)$/i.exec(headers.authorization) ?? []
  if (posted !== null || encoded === undefined) return undefined
  const credentials = Buffer.from(encoded, 'base64').toString('utf8')
  const secret = credentials.slice(credentials.indexOf(':') + 1)
  return {
    method: 'client_secret_basic',
    secret: decodeURIComponent(secret.replaceAll('+', '%20')),
  }
}

/** The client of a request, when a secret that does not expire proves it in the way it is registered for. */
async function provenClient(
  engine: Engine,
  request: EndpointRequest,
  form: URLSearchParams,
): Promise<string | undefined> {
  const clientId = clientIdOf(request, form)
  const proof = proofOf(request, form)
  // What is named by a document has no secret.
  if (!clientId || !proof || clientId.startsWith('https://')) return undefined
  if ((form.get('client_id') ?? clientId) !== clientId) return undefined
  const client = await engine.parts.storage.records('Client').find(clientId)
  if (client?.token_endpoint_auth_method !== proof.method) return undefined
  if (client.client_secret_expires_at) return undefined
  return matchesClientSecret(proof.secret, client.client_secret) ? clientId : undefined
}

function isOver({ exp }: AdapterPayload): boolean {
  return exp !== undefined && exp <= Math.floor(Date.now() / 1000)
}

/** Tells whether the grant of a token still stands, as it was when the token was issued. */
async function isGranted(
  { storage }: EngineParts,
  { grantId, clientId, accountId }: AdapterPayload,
): Promise<boolean> {
  if (grantId === undefined) return true
  const grant = await storage.records('Grant').find(grantId)
  return (
    grant !== undefined &&
    !isOver(grant) &&
    grant.clientId === clientId &&
    grant.accountId === accountId
  )
}

/**
 * Answers what resource servers ask all the time: a client with a secret, about a JWT of ours that is good.
 * Whatever else there is to say is for the engine, and `undefined` here: a wrong secret, another way to
 * prove a client, a record that is gone, a token that the client may not know about.
 *
 * @param ids - ids that the record of the token may have.
 * @see RFC 7662 section 2.2
 */
export async function answerActiveToken(
  engine: Engine,
  request: EndpointRequest,
  form: URLSearchParams,
  token: OwnClaims,
  ids: readonly string[],
): Promise<Answer | undefined> {
  const { parts } = engine
  const caller = await provenClient(engine, request, form)
  const found = caller && (await findRecord(engine, ids))
  if (!caller || !found || !mayIntrospect(parts, caller, found.record)) return undefined
  const { kind, accountId, clientId = '', extra, exp, iat, aud, scope, jkt } = found.record
  if (kind !== found.model || isOver(found.record)) return undefined
  if (!(await isGranted(parts, found.record))) return undefined
  // The engine reads the client of the token, and may have to fetch its document.
  if (clientId !== caller && !(await parts.storage.records('Client').find(clientId))) {
    return undefined
  }
  return jsonAnswer(200, {
    sub: accountId,
    ...extra,
    active: true,
    client_id: clientId,
    exp,
    iat,
    iss: parts.issuer,
    jti: token.jti,
    aud,
    scope: scope || undefined,
    cnf: jkt && { jkt },
    token_type: jkt ? 'DPoP' : 'Bearer',
  })
}
