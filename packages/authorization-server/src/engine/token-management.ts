import type { Engine } from './engine.js'
import { createEngineScope } from './engine-scope.js'
import { checkBasicHeader, type FormResult, readForm } from './form-endpoint.js'
import { type Answer, type EndpointRequest, engineAnswer, NO_STORE, oauthError } from './http.js'
import { findOwnToken, looksLikeJwt, type OwnToken } from './own-token.js'

interface Prepared {
  readonly form: URLSearchParams
  readonly token: OwnToken | undefined
}

/** Puts the id that the engine knows in the place of a JWT. */
async function prepare(engine: Engine, read: FormResult & { ok: true }): Promise<Prepared> {
  const form = new URLSearchParams(read.form)
  const given = form.get('token') ?? ''
  const token = await findOwnToken(engine, given)
  if (looksLikeJwt(given)) {
    // A JWT that is not ours, or not valid any more, is a token that does not exist.
    form.set('token', token?.recordId ?? 'unknown')
    form.set('token_type_hint', 'access_token')
  }
  return { form, token }
}

function clientIdOf(request: EndpointRequest, form: URLSearchParams): string | undefined {
  const match = /^basic +(.+)$/i.exec(request.headers.authorization ?? '')
  if (match?.[1] === undefined) return form.get('client_id') ?? undefined
  const [id = ''] = Buffer.from(match[1], 'base64').toString('utf8').split(':')
  return decodeURIComponent(id.replaceAll('+', '%20'))
}

function refuseClient(engine: Engine, request: EndpointRequest): Answer {
  const challenge =
    request.headers.authorization === undefined
      ? undefined
      : { 'www-authenticate': `Basic realm="${engine.parts.issuer}"` }
  return oauthError(401, 'invalid_client', 'client authentication is required', challenge)
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
    return refuseClient(engine, request)
  }

  const { form, token } = await prepare(engine, read)
  const response = await engine.call({ request, form })
  const answer = engineAnswer(response, NO_STORE)
  if (response.status !== 200 || token === undefined) return answer
  const body: Record<string, unknown> = JSON.parse(response.body.toString('utf8'))
  if (body.active !== true) return answer
  // The engine knows the token by another id; callers know it by its `jti`.
  return { ...answer, body: JSON.stringify({ ...body, jti: token.jti }) }
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
  const { storage, events, issuer } = engine.parts

  const answer = await storage.transaction(async () => {
    const { form, token } = await prepare(engine, read)
    const scope = createEngineScope()
    const response = await engine.call({ request, form }, scope)
    if (response.status === 200 && token !== undefined) {
      const left = await storage.records(token.model).find(token.recordId)
      if (left === undefined && token.grantId === undefined) {
        const { jti: id, expiresAt } = token
        await storage.revocations.add([{ kind: 'token', id, expiresAt: expiresAt + 60 }])
      }
    }
    if (scope.revokedGrants.size > 0) {
      const subject = token?.subject ?? 'unknown'
      await events.record({
        event: 'token.revoke',
        outcome: 'done',
        actor: { issuer, subject, clientId: token?.clientId },
      })
    }
    return engineAnswer(response, NO_STORE)
  })
  await engine.feed.refresh()
  return answer
}
