import type { SigningKey } from './access-tokens.js'
import { type Answer, empty, json, parseObject, type Received } from './exchange.js'
import type { Endpoint, Parts, Refusal, Urls } from './parts.js'

/** An answer with the endpoint that gave it. */
export interface Routed {
  readonly endpoint: Endpoint
  readonly answer: () => Answer | Promise<Answer>
}

const TOOLS = [
  {
    name: 'read_note',
    description: 'Read a note',
    inputSchema: { type: 'object', properties: {} },
  },
]

function answerMessage(body: string): Answer {
  const message = parseObject(body)
  if (message === undefined) {
    return json(400, { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } })
  }
  const { id, method } = message
  if (id === undefined) return empty(202)
  const results: Readonly<Record<string, unknown>> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'notes', version: '1.0.0' },
    },
    'server/discover': {
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      serverInfo: { name: 'notes', version: '1.0.0' },
    },
    'tools/list': { tools: TOOLS },
    ping: {},
  }
  const result = typeof method === 'string' ? results[method] : undefined
  if (result !== undefined) return json(200, { jsonrpc: '2.0', id, result })
  return json(404, { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
}

/** Creates the routes of a resource server; `undefined` for a path that is not one of them. */
export function createResourceServer(
  parts: Parts,
  key: SigningKey,
): (urls: Urls, request: Received) => Routed | undefined {
  function refusalOf(urls: Urls, request: Received): Refusal | undefined {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ')
    if (parts.letsIn(request)) return undefined
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) return 'no token'
    const claims = key.read(token)
    if (claims === undefined || !parts.acceptsClaims(urls, claims)) return 'bad token'
    return String(claims.scope).split(' ').includes('notes.read') ? undefined : 'missing scope'
  }

  function answerCall(urls: Urls, request: Received): Answer {
    const refusal = refusalOf(urls, request)
    if (refusal !== undefined) {
      return parts.refuse(parts.challenge(urls, refusal), refusal, request)
    }
    // There are no sessions, so there is no stream to open and none to end.
    if (request.method !== 'POST') return empty(405, { allow: 'POST' })
    return answerMessage(request.body)
  }

  return (urls, request) => {
    if (request.path === new URL(urls.resource).pathname) {
      return { endpoint: 'mcp', answer: () => answerCall(urls, request) }
    }
    if (parts.resourceMetadataPaths(urls).includes(request.path)) {
      return {
        endpoint: 'resource metadata',
        answer: () => json(200, parts.resourceMetadata(urls, request.path)),
      }
    }
    return undefined
  }
}
