import type { Response as Answer, NextFunction, Request, RequestHandler } from 'express'
import { currentRequest, type RequestContext } from '../request-context.js'
import type { Caller } from '../request-log.js'
import type { RateLimits } from './rate-limits.js'
import { type TooManyRequests, tooManyRequests } from './too-many-requests.js'

/** When a caller may come again who has too many requests under way. */
const RUNNING_SECONDS = 1

/** Counts messages as taken and as running, until the answer was sent. */
async function take(
  limits: RateLimits,
  caller: Caller,
  messages: number,
  request: RequestContext | undefined,
): Promise<TooManyRequests | undefined> {
  const end = limits.begin(caller, messages)
  if (end === undefined) return tooManyRequests(RUNNING_SECONDS)
  request?.onEnd(end)
  const wait = await limits.takeRequest(caller, messages)
  return wait === undefined ? undefined : tooManyRequests(wait)
}

/** Counts the messages of a batch beyond the first, which was counted with its request. */
export async function limitBatch(
  limits: RateLimits,
  messages: number,
): Promise<Response | undefined> {
  const request = currentRequest()
  const caller = request?.caller()
  if (caller === undefined) return undefined
  const refused = await take(limits, caller, messages - 1, request)
  if (refused === undefined) return undefined
  return new Response(refused.body, { status: 429, headers: refused.headers })
}

/** Refuses requests of a caller who sends too many. Goes between the guard and the endpoint. */
export function limitRequests(
  limits: RateLimits,
  callerOf: (request: Request) => Caller | undefined,
): RequestHandler {
  return async (request: Request, response: Answer, next: NextFunction): Promise<void> => {
    const caller = callerOf(request)
    const refused =
      caller === undefined ? undefined : await take(limits, caller, 1, currentRequest())
    if (refused === undefined) next()
    else response.status(429).set(refused.headers).end(refused.body)
  }
}
