import type { PassOutcome } from './create-mcp-auth.js'
import type { Principal } from './principal.js'
import { readBytes } from './read-bytes.js'
import type { AuthInfo } from './resource-server/auth-info.js'
import type { AcceptedOutcome, GuardOutcome } from './resource-server/guard.js'
import { type ParsedMessage, parseMessageBytes } from './resource-server/json-rpc-message.js'
import type { MessageBudget, MessageRoom } from './resource-server/message-budget.js'
import { announcedLength, isBodiless, type RequestView } from './resource-server/request-view.js'
import { PLAIN_REFUSALS, type ResponseOutcome } from './resource-server/responses.js'
import { createStreamWatch, isStreaming, type StreamWatch } from './resource-server/stream-end.js'
import { sharesPromises } from './runtime.js'

/** Handles a request that may go on. `authInfo` is `undefined` on public paths only. */
export type FetchHandler = (
  request: Request,
  authInfo: AuthInfo | undefined,
) => Response | Promise<Response>

const NO_MESSAGE: ParsedMessage = { kind: 'operations', operations: [] }

/** Parts that the web-standard adapter needs. */
export interface FetchParts {
  readonly handle: (
    view: RequestView,
  ) => GuardOutcome | PassOutcome | Promise<GuardOutcome | PassOutcome>
  readonly isActive: (principal: Principal) => boolean
  readonly maxMessageBytes: number
  readonly messageBudget: MessageBudget
  readonly now: () => number
}

function viewOf(request: Request): RequestView {
  const { url, method, headers } = request
  // The origin part comes from the Host field, so it is left out: nothing may be derived from it.
  const target = url.slice(url.indexOf('/', url.indexOf('://') + 3))
  const fields = Object.fromEntries(headers)
  // Runtimes keep the authority of HTTP/2 and HTTP/1.1 requests in the URL.
  fields.host ??= new URL(url).host
  return {
    method,
    target,
    headers: fields,
    // Read only when it decides: on Node.js hosts the look alone opens the body's stream, and a
    // refusal that leaves it unread costs the connection.
    get hasBody(): boolean {
      return request.body !== null
    },
  }
}

function respond({ status, headers, body }: ResponseOutcome, method: string): Response {
  const bodiless = method === 'HEAD' || status === 204
  return new Response(bodiless ? null : body, { status, headers })
}

/** Reads the message of a request, which may break off, or have been read by something before us. */
async function readBody(
  request: Request,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | 'too_large' | 'incomplete'> {
  try {
    return (await readBytes(request.body, limit)) ?? 'too_large'
  } catch {
    return 'incomplete'
  }
}

/** Ends a streaming body when its credential does. `onEnd` is called once the answer has ended. */
function endWithCredential(
  response: Response,
  principal: Principal,
  watch: StreamWatch,
  onEnd: () => void,
): Response {
  // The type first: servers write a short answer at once, unless somebody looked at its body.
  const body = isStreaming(response.headers.get('content-type')) ? response.body : null
  if (body === null) {
    onEnd()
    return response
  }
  const reader = body.getReader()
  let stopWatching: () => void = () => undefined
  const end = (): void => {
    stopWatching()
    onEnd()
  }
  const watched = new ReadableStream<Uint8Array>({
    start(controller) {
      stopWatching = watch.watch(principal, () => {
        onEnd()
        controller.close()
        reader.cancel().catch(() => undefined)
      })
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          end()
          controller.close()
        } else controller.enqueue(value)
      } catch (error) {
        end()
        controller.error(error)
      }
    },
    cancel(reason) {
      end()
      return reader.cancel(reason)
    },
  })
  return new Response(watched, response)
}

const membersOf = (list: string): string[] =>
  list
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())

function addHeaders(target: Headers, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'vary') target.set(name, value)
    else {
      // An answer without a body may be given again and again.
      const known = membersOf(target.get(name) ?? '')
      if (!membersOf(value).every((member) => known.includes(member))) target.append(name, value)
    }
  }
}

function withResponseHeaders(
  response: Response,
  headers: Readonly<Record<string, string>> | undefined,
): Response {
  if (headers === undefined) return response
  try {
    addHeaders(response.headers, headers)
    return response
  } catch {
    // A handler's answer may be immutable, for example one from another fetch.
    const copy = new Response(response.body, response)
    addHeaders(copy.headers, headers)
    return copy
  }
}

/** Builds `auth.fetch`. */
export function createFetch(
  parts: FetchParts,
): (request: Request, handler: FetchHandler) => Promise<Response> {
  let shared: StreamWatch | undefined
  const currentWatch = (): StreamWatch => {
    // A timer belongs to the request that made it on Workers, so there each stream has its own.
    if (!sharesPromises()) return createStreamWatch(parts.isActive)
    shared ??= createStreamWatch(parts.isActive)
    return shared
  }

  /** Reads the message of a request, and refuses it or returns the request to hand on. */
  const admit = async (
    request: Request,
    accepted: AcceptedOutcome,
    room: MessageRoom | 'full' | undefined,
  ): Promise<Request | ResponseOutcome> => {
    const { authorizeMessage, refuseMessage } = accepted
    if (authorizeMessage === undefined) return request
    const body = room === 'full' ? room : await readBody(request, parts.maxMessageBytes)
    if (typeof body === 'string') return refuseMessage?.(body) ?? PLAIN_REFUSALS.serverError
    if (room !== 'full') room?.shrink(body.byteLength)
    // Some hosts give every request a stream; without a byte in it there is no message.
    const message =
      body.byteLength === 0 && isBodiless(request.method) ? NO_MESSAGE : parseMessageBytes(body)
    const refused = await authorizeMessage(message)
    return refused ?? new Request(request, { body })
  }

  const takeRoom = (
    request: Request,
    accepted: AcceptedOutcome,
  ): MessageRoom | 'full' | undefined => {
    // Workers may end a request between two steps, and what it holds would never come back.
    if (accepted.authorizeMessage === undefined || !sharesPromises()) return undefined
    const length = request.headers.get('content-length') ?? undefined
    return parts.messageBudget.take(announcedLength({ 'content-length': length }))
  }

  const serve = async (
    request: Request,
    accepted: AcceptedOutcome,
    handler: FetchHandler,
  ): Promise<Response> => {
    const room = takeRoom(request, accepted)
    const release = (): void => {
      if (room !== 'full') room?.release()
    }
    try {
      const admitted = await admit(request, accepted, room)
      if ('kind' in admitted) {
        release()
        return respond(admitted, request.method)
      }
      const response = await handler(admitted, accepted.authInfo)
      const { principal, headers } = accepted
      const ending = endWithCredential(response, principal, currentWatch(), release)
      return withResponseHeaders(ending, headers)
    } catch (error) {
      release()
      throw error
    }
  }

  return async (request, handler) => {
    let outcome: GuardOutcome | PassOutcome
    try {
      outcome = await parts.handle(viewOf(request))
    } catch {
      outcome = PLAIN_REFUSALS.serverError
    }
    switch (outcome.kind) {
      case 'response':
        return respond(outcome, request.method)
      case 'pass':
        return await handler(request, undefined)
      case 'accepted':
        return await serve(request, outcome, handler)
    }
  }
}
