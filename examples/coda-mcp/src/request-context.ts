import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { Caller } from './request-log.js'

/** Why the guard has refused a request. */
export interface Refusal {
  readonly outcome: string
  readonly reason: string
  /** Set when the credential was good. */
  readonly principal?: Caller | undefined
}

/** What belongs to the request that is being answered, for code that is not handed the request. */
export interface RequestContext {
  readonly requestId: string
  /** Network of the caller, as rate limits count it. */
  readonly network: string
  refusal?: Refusal | undefined
  /** The verified caller, as soon as it is known. */
  caller(): Caller | undefined
  /** Runs when the answer was sent, or the connection is gone. */
  onEnd(run: () => void): void
}

const requests = new AsyncLocalStorage<RequestContext>()

/** The request that is being answered; `undefined` outside of one. */
export function currentRequest(): RequestContext | undefined {
  return requests.getStore()
}

/** Runs what belongs to a request. */
export function runInRequest<Value>(request: RequestContext, run: () => Value): Value {
  return requests.run(request, run)
}

/** The caller's id of a request when it can forge no log line, otherwise a random one. */
export function requestIdOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(header) ? header : randomUUID()
}
