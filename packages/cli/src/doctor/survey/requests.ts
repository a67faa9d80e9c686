import type { ProbeRequest } from '../http/prober.js'

/** Origin of the page of the MCP Inspector, the one client that runs in a browser. */
export const PAGE_ORIGIN = 'http://localhost:6274'

/** Headers that browser clients ask for, those of protocol revision 2026-07-28 last. */
export const PAGE_HEADERS = [
  'authorization',
  'content-type',
  'mcp-protocol-version',
  'mcp-session-id',
]

/** Headers of requests since protocol revision 2026-07-28. */
export const MODERN_PAGE_HEADERS = ['mcp-method', 'mcp-name']

/** Host that no server can have (RFC 2606), so that finding it in an answer proves a reflection. */
export const SPOOFED_HOST = 'mcp-auth-doctor.invalid'

/** Token that no server has issued. */
export const MADE_UP_TOKEN = 'mcp-auth-doctor-made-this-up'

const MCP_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'mcp-auth-doctor', version: '1' },
  },
})

/** The first request of every client. */
export function initializeRequest(
  target: URL,
  about: string,
  headers: Readonly<Record<string, string>> = {},
): ProbeRequest {
  return {
    method: 'POST',
    url: target.href,
    headers: { ...MCP_HEADERS, ...headers },
    body: INITIALIZE,
    about: `initialize, ${about}`,
  }
}

/** A request for metadata, as SDK clients send it. */
export function metadataRequest(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  about?: string,
): ProbeRequest {
  return {
    url,
    headers: { accept: 'application/json', 'mcp-protocol-version': '2025-11-25', ...headers },
    ...(about === undefined ? {} : { about }),
  }
}

/** What a browser asks before it lets a page send the request. */
export function preflightRequest(url: string, method: 'GET' | 'POST'): ProbeRequest {
  return {
    method: 'OPTIONS',
    url,
    headers: {
      origin: PAGE_ORIGIN,
      'access-control-request-method': method,
      'access-control-request-headers': [...PAGE_HEADERS, ...MODERN_PAGE_HEADERS].join(','),
    },
    about: `preflight of ${method} from ${PAGE_ORIGIN}`,
  }
}
