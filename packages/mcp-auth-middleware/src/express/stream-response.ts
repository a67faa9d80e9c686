import type { ServerResponse } from 'node:http'
import type { McpAuth } from '../create-mcp-auth.js'
import type { Principal } from '../principal.js'
import { createStreamWatch, isStreaming, type StreamWatch } from '../resource-server/stream-end.js'

const watches = new WeakMap<McpAuth, StreamWatch>()

function watchOf(auth: McpAuth): StreamWatch {
  const known = watches.get(auth)
  if (known !== undefined) return known
  const watch = createStreamWatch(auth.isActive)
  watches.set(auth, watch)
  return watch
}

function end(response: ServerResponse): void {
  // A handler that writes on before it hears of the end would otherwise cause an uncaught error.
  response.on('error', () => undefined)
  // A client that does not read would hold the answer open past its credential.
  if (response.writableNeedDrain) response.destroy()
  else response.end()
}

/**
 * Ends a streaming answer when its credential expires or is revoked. Other answers cost nothing: the
 * media type is looked at when the head is written, and no timer is made before that.
 */
export function endWithCredential(
  auth: McpAuth,
  response: ServerResponse,
  principal: Principal,
): void {
  const { writeHead } = response
  const watched = function (this: ServerResponse, ...parameters: unknown[]): ServerResponse {
    response.writeHead = writeHead
    const result: ServerResponse = Reflect.apply(writeHead, response, parameters)
    // A client that has left already sends no further `close`, so its stream would be watched for ever.
    if (!response.destroyed && isStreaming(contentTypeOf(response, parameters))) {
      const stop = watchOf(auth).watch(principal, () => end(response))
      response.once('close', stop)
    }
    return result
  }
  // The one place where a Node.js object is patched: there is no event for "head written".
  response.writeHead = watched as typeof writeHead
}

/** The media type, set before or passed to `writeHead` as an object or a flat array. */
function contentTypeOf(
  response: ServerResponse,
  parameters: readonly unknown[],
): string | undefined {
  const set = response.getHeader('content-type')
  if (typeof set === 'string') return set
  const headers = parameters.at(-1)
  if (typeof headers !== 'object' || headers === null) return undefined
  const pairs: (readonly [unknown, unknown])[] = Array.isArray(headers)
    ? headers.flatMap((name, index) =>
        index % 2 === 0 ? [[name, headers[index + 1]] as const] : [],
      )
    : Object.entries(headers)
  const found = pairs.find(([name]) => String(name).toLowerCase() === 'content-type')?.[1]
  return typeof found === 'string' ? found : undefined
}
