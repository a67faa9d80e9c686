import { withinClientLimits, withinFailureLimit } from '../limits/client-limits.js'
import type { Engine } from './engine.js'
import { createEngineScope } from './engine-scope.js'
import {
  checkBasicHeader,
  clientIdOf,
  type FormResult,
  readForm,
  refuseClient,
} from './form-endpoint.js'
import { type Answer, type EndpointRequest, engineAnswer, NO_STORE } from './http.js'
import { answerActiveToken } from './own-introspection.js'
import { findOwnToken, findRecordId, looksLikeJwt, readOwnToken } from './own-token.js'
import { prepareClient } from './prepare-client.js'
import { shadowIds } from './shadow-record.js'

/** An id that no token has: a JWT that is not ours, or not valid any more, is a token that does not exist. */
const NO_TOKEN = 'unknown'

/** The form for the engine, with the id that it knows in the place of a JWT. */
function engineForm(given: URLSearchParams, recordId: string | undefined): URLSearchParams {
  const form = new URLSearchParams(given)
  if (looksLikeJwt(given.get('token') ?? '')) {
    form.set('token', recordId ?? NO_TOKEN)
    form.set('token_type_hint', 'access_token')
  }
  return form
}

async function introspect(
  engine: Engine,
  request: EndpointRequest,
  read: FormResult & { ok: true },
): Promise<Answer> {
  const { storage, secrets } = engine.parts
  const given = read.form.get('token') ?? ''
  const token = await readOwnToken(engine, given)
  const ids = token === undefined ? [given] : shadowIds(secrets, token.jti)

  const ask = async (): Promise<Answer> => {
    const active = token && (await answerActiveToken(engine, request, read.form, token, ids))
    if (active !== undefined) return active
    const recordId = token && (await findRecordId(engine, ids))
    const response = await engine.call({ request, form: engineForm(read.form, recordId) })
    const answer = engineAnswer(response, NO_STORE)
    if (response.status !== 200 || token === undefined) return answer
    const body: Record<string, unknown> = JSON.parse(response.body.toString('utf8'))
    if (body.active !== true) return answer
    // The engine knows the token by another id; callers know it by its `jti`.
    return { ...answer, body: JSON.stringify({ ...body, jti: token.jti }) }
  }
  // An assertion may be waited for: its keys are fetched, and what was read before would grow old.
  if (read.form.has('client_assertion')) return ask()
  const clientId = clientIdOf(request, read.form) ?? ''
  return storage.withToken({ ids: [...ids, NO_TOKEN], clientId }, ask)
}

/**
 * Answers `/oauth/introspect`. Only clients that can prove who they are may ask, and they learn only
 * about their own tokens unless they are listed as resource servers.
 *
 * @see RFC 7662 section 2.1 - the caller must be authenticated
 */
export async function answerIntrospection(
  engine: Engine,
  request: EndpointRequest,
): Promise<Answer> {
  const read = await readForm(request)
  if (!read.ok) return read.answer
  const malformed = checkBasicHeader(request, engine.parts.issuer)
  if (malformed !== undefined) return malformed
  const clientId = clientIdOf(request, read.form)
  const hasProof =
    request.headers.authorization !== undefined ||
    read.form.has('client_secret') ||
    read.form.has('client_assertion')
  if (!hasProof || (clientId === undefined && !read.form.has('client_assertion'))) {
    return refuseClient(request, engine.parts.issuer, 'client authentication is required')
  }

  // A resource server asks for every request that it gets; who only says to be one fails and is limited.
  const within = engine.parts.resourceServerClients.includes(clientId ?? '')
    ? withinFailureLimit
    : withinClientLimits
  return within(engine.parts, request, read.form, () => introspect(engine, request, read))
}

async function revoke(
  engine: Engine,
  request: EndpointRequest,
  read: FormResult & { ok: true },
): Promise<Answer> {
  const { storage, events, issuer } = engine.parts
  const client = await prepareClient(engine, request, read.form)
  if (!client.ok) return client.answer
  const { documents } = client
  const token = await findOwnToken(engine, read.form.get('token') ?? '')
  const form = engineForm(read.form, token?.recordId)

  const answer = await storage.transaction(async () => {
    // It is gone afterwards, and the event has to say whose it was.
    const refreshToken =
      token === undefined
        ? await storage.records('RefreshToken').find(form.get('token') ?? '')
        : undefined
    const scope = createEngineScope({ documents, mayFetch: false })
    const response = await engine.call({ request, form }, scope)
    if (response.status === 200 && token !== undefined) {
      const left = await storage.records(token.model).find(token.recordId)
      if (left === undefined && token.grantId === undefined) {
        const { jti: id, expiresAt } = token
        await storage.revocations.add([{ kind: 'token', id, expiresAt: expiresAt + 60 }])
      }
    }
    if (scope.revokedGrants.size > 0) {
      const subject = token?.subject ?? refreshToken?.accountId ?? 'unknown'
      const clientId = token?.clientId ?? refreshToken?.clientId
      await events.record({
        event: 'token.revoke',
        outcome: 'done',
        actor: { issuer, subject, clientId },
      })
    }
    return engineAnswer(response, NO_STORE)
  })
  await engine.feed.refresh()
  return answer
}

/**
 * Answers `/oauth/revoke`. A revoked token takes its whole grant with it, on all replicas.
 *
 * @see RFC 7009 section 2.2 - an unknown token is answered 200
 */
export async function answerRevocation(engine: Engine, request: EndpointRequest): Promise<Answer> {
  const read = await readForm(request)
  if (!read.ok) return read.answer
  const malformed = checkBasicHeader(request, engine.parts.issuer)
  if (malformed !== undefined) return malformed
  const { form } = read
  return withinClientLimits(engine.parts, request, form, () => revoke(engine, request, read))
}
