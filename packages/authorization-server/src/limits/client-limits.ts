import { decodeJwt } from 'jose'
import { clientIdOf } from '../engine/form-endpoint.js'
import { type Answer, type EndpointRequest, tooManyRequests } from '../engine/http.js'
import type { EngineParts } from '../engine/parts.js'
import { enforceLimits } from './rate-limited.js'
import type { Use } from './rate-limits.js'

/** Who a client says that it is; empty when it does not. Nothing is verified. */
export function claimedClient(request: EndpointRequest, form: URLSearchParams): string {
  const clientId = clientIdOf(request, form)
  if (clientId !== undefined) return clientId
  try {
    return decodeJwt(form.get('client_assertion') ?? '').sub ?? ''
  } catch {
    return ''
  }
}

function hasProof(request: EndpointRequest, form: URLSearchParams): boolean {
  const { authorization } = request.headers
  const isBasic = authorization !== undefined && /^basic /i.test(authorization)
  return isBasic || form.has('client_secret') || form.has('client_assertion')
}

/**
 * Answers a request of a client within its limits. Failures count only where a client sent a secret or
 * an assertion: whoever sends its id alone guesses nothing, and has to learn that its client is gone.
 *
 * @throws RateLimitedError when the client, or its address, has asked too often.
 */
export async function withinClientLimits(
  parts: EngineParts,
  request: EndpointRequest,
  form: URLSearchParams,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  const { limits } = parts
  const client = claimedClient(request, form)
  const { network } = request
  await enforceLimits(
    limits,
    { limit: 'token', key: [network] },
    { limit: 'tokenPerClient', key: [network, client] },
  )
  return withinFailureLimit(parts, request, form, answer)
}

/** The same without a limit for what succeeds. */
export async function withinFailureLimit(
  { limits }: EngineParts,
  request: EndpointRequest,
  form: URLSearchParams,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  if (!hasProof(request, form)) return answer()
  const key = [request.network, claimedClient(request, form)] as const
  const failure: Use = { limit: 'clientAuthentication', key }
  const wait = await limits.waitFor(failure)
  if (wait !== undefined) return tooManyRequests(wait)
  const given = await answer()
  if (given.status !== 401) return given
  const late = await limits.take(failure)
  return late === undefined ? given : tooManyRequests(late)
}
