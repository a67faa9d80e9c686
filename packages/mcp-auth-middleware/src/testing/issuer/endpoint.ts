import type { JsonMembers } from './compact-jws.js'

/** What an endpoint is told about a request. */
export interface EndpointRequest {
  readonly method: string
  readonly query: URLSearchParams
  readonly authorization: string | undefined
  /** Fields of a form body; `undefined` when the body is something else. */
  readonly form: URLSearchParams | undefined
  /** Value of a JSON body; `undefined` when the body is something else or malformed. */
  readonly json: unknown
}

/** What an endpoint answers. An object as body is sent as JSON. */
export interface EndpointResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: JsonMembers | string | undefined
}

/** Ends the handling of a request with an OAuth error document (RFC 6749 section 5.2). */
export class Refusal extends Error {
  readonly response: EndpointResponse

  constructor(
    error: string,
    description: string,
    status = 400,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(description)
    this.name = 'Refusal'
    this.response = {
      status,
      headers: { ...NO_STORE, ...headers },
      body: { error, error_description: description },
    }
  }
}

/** Headers of every answer that carries a token, a code or an error (RFC 6749 section 5.1). */
export const NO_STORE: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
}

/** Parameters that RFC 8707 lets a client repeat; a repeated other one is an error. */
const REPEATABLE = new Set(['resource'])

/** Names of parameters that occur twice although they must not (RFC 6749 section 3.1). */
export function repeatedParameters(parameters: URLSearchParams): readonly string[] {
  return [...new Set(parameters.keys())].filter(
    (name) => !REPEATABLE.has(name) && parameters.getAll(name).length > 1,
  )
}

/** The form of a POST to an endpoint that takes nothing but a form. */
export function requireForm({ form, query }: EndpointRequest): URLSearchParams {
  if (form === undefined) {
    throw new Refusal('invalid_request', 'the body must be application/x-www-form-urlencoded')
  }
  if ([...query.keys()].length > 0) {
    throw new Refusal('invalid_request', 'parameters belong in the body, not in the query')
  }
  if (repeatedParameters(form).length > 0) {
    throw new Refusal('invalid_request', 'a parameter is repeated')
  }
  return form
}

/** A parameter that must be present and not empty. */
export function requireParameter(form: URLSearchParams, name: string): string {
  const value = form.get(name)
  if (value === null || value === '') throw new Refusal('invalid_request', `${name} is missing`)
  return value
}
