import type { McpAuth } from '../../src/create-mcp-auth.js'
import type { FetchHandler } from '../../src/fetch.js'
import { type AuthInfo, principalOf } from '../../src/resource-server/auth-info.js'
import type { HandlerCall, Recorder } from './scenario.js'

/** What the echo handler says about a request, on every host. */
export interface Echo {
  readonly method: string
  readonly length: number
  readonly sha256: string
  readonly parsed: unknown
  readonly caller: ReturnType<typeof describeCaller>
}

export function describeCaller(authInfo: AuthInfo | undefined) {
  const principal = principalOf(authInfo)
  if (authInfo === undefined || principal === undefined) return undefined
  return {
    issuer: principal.issuer,
    subject: principal.subject,
    clientId: authInfo.clientId,
    scopes: authInfo.scopes,
    resource: authInfo.resource?.href,
    frozen: Object.isFrozen(authInfo),
    tokenLength: authInfo.token.length,
  }
}

export function describeCall(
  method: string,
  target: string,
  authInfo: AuthInfo | undefined,
): HandlerCall {
  const principal = principalOf(authInfo)
  return {
    method,
    target,
    caller:
      principal === undefined ? null : { issuer: principal.issuer, subject: principal.subject },
  }
}

/** Milliseconds between the two halves of a slow JSON answer; longer than a short token's life. */
export const SLOW_JSON_MS = 2500

const encoder = new TextEncoder()

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function stream(type: string, first: string, last?: { text: string; afterMs: number }): Response {
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(encoder.encode(first))
      if (last === undefined) return
      await new Promise((resolve) => setTimeout(resolve, last.afterMs))
      controller.enqueue(encoder.encode(last.text))
      controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': type } })
}

/** Answers like the Express echo handler: by the last part of the path. */
export function createFetchHandler(auth: McpAuth, recorder: Recorder): FetchHandler {
  return async (request, authInfo) => {
    const { pathname, search } = new URL(request.url)
    recorder.calls.push(describeCall(request.method, pathname + search, authInfo))
    switch (pathname) {
      case '/sse':
        return stream('text/event-stream', 'data: first\n\n')
      case '/ndjson':
        return stream('application/x-ndjson; charset=utf-8', '{"first":1}\n')
      case '/slow-json':
        return stream('application/json', '{"first":1,', {
          text: '"second":2}',
          afterMs: SLOW_JSON_MS,
        })
      case '/session':
        return Response.json({ id: auth.sessionIds({ auth: authInfo })() })
      default: {
        const bytes = await request.arrayBuffer()
        const echo: Echo = {
          method: request.method,
          length: bytes.byteLength,
          sha256: await sha256(bytes),
          parsed: null,
          caller: describeCaller(authInfo),
        }
        return Response.json(echo)
      }
    }
  }
}
