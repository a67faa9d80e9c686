import { type Answer, type EndpointRequest, oauthError, parseForm } from './http.js'

const MAX_BODY = 64 * 1024

/** A form that was read, or the refusal. */
export type FormResult =
  | { readonly ok: true; readonly form: URLSearchParams }
  | { readonly ok: false; readonly answer: Answer }

function refuse(status: number, error: string, description: string): FormResult {
  return { ok: false, answer: oauthError(status, error, description) }
}

/**
 * Reads the body of an endpoint that takes forms only. Nothing of it is ever repeated in an answer.
 *
 * @see RFC 6749 section 3.2 - parameters are in the body, and none comes twice
 */
export async function readForm(request: EndpointRequest): Promise<FormResult> {
  if (request.method !== 'POST') {
    const answer = oauthError(405, 'invalid_request', 'use POST', { allow: 'POST, OPTIONS' })
    return { ok: false, answer }
  }
  if (request.query !== '') {
    return refuse(400, 'invalid_request', 'parameters belong in the body')
  }
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    return refuse(400, 'invalid_request', 'send application/x-www-form-urlencoded')
  }
  const text = await request.body(MAX_BODY)
  if (text === undefined) return refuse(413, 'invalid_request', 'the body is too long')
  const form = parseForm(text)
  if (form === undefined) {
    return refuse(400, 'invalid_request', 'a parameter comes twice, or there are too many')
  }
  return { ok: true, form }
}

/**
 * Refuses a client that did not prove who it is, by the scheme that it tried.
 *
 * @see RFC 6749 section 5.2
 */
export function refuseClient(
  { headers }: EndpointRequest,
  issuer: string,
  description: string,
): Answer {
  const challenge =
    headers.authorization === undefined
      ? undefined
      : { 'www-authenticate': `Basic realm="${issuer}"` }
  return oauthError(401, 'invalid_client', description, challenge)
}

/** Answers a malformed `Authorization` field of a client, or `undefined` when it is well-formed. */
export function checkBasicHeader(request: EndpointRequest, issuer: string): Answer | undefined {
  const header = request.headers.authorization
  if (header === undefined) return undefined
  const refusal = refuseClient(request, issuer, 'the Authorization header is malformed')
  const match = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)
  const decoded = match?.[1] === undefined ? '' : Buffer.from(match[1], 'base64').toString('utf8')
  const [id = '', ...secret] = decoded.split(':')
  if (id === '' || secret.join(':') === '') return refusal
  try {
    for (const part of [id, secret.join(':')]) decodeURIComponent(part)
  } catch {
    return refusal
  }
  return undefined
}

/** The client that a request names. Its `Authorization` field has to be well-formed, when there is one. */
export function clientIdOf(request: EndpointRequest, form: URLSearchParams): string | undefined {
  const match = /^basic +(.+)$/i.exec(request.headers.authorization ?? '')
  if (match?.[1] === undefined) return form.get('client_id') ?? undefined
  const [id = ''] = Buffer.from(match[1], 'base64').toString('utf8').split(':')
  return decodeURIComponent(id.replaceAll('+', '%20'))
}
