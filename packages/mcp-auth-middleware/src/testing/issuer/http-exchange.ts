import type { IncomingMessage, ServerResponse } from 'node:http'
import { type EndpointRequest, type EndpointResponse, Refusal } from './endpoint.js'

const BODY_LIMIT_BYTES = 16_384

const LOOPBACK_ADDRESS = /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i

/**
 * Tells whether a request comes from this machine and was meant for it. The second half keeps a
 * tunnel, or a web page that rebinds its DNS name, from reaching an issuer that approves everything.
 */
export function isLoopbackRequest(request: IncomingMessage): boolean {
  return (
    LOOPBACK_ADDRESS.test(request.socket.remoteAddress ?? '') &&
    LOOPBACK_HOST.test(request.headers.host ?? '')
  )
}

/** Target of a request. Express shortens `url` below a mount point and keeps the whole elsewhere. */
export function requestTarget(request: IncomingMessage): URL | undefined {
  const original: unknown = Reflect.get(request, 'originalUrl')
  const target = typeof original === 'string' ? original : (request.url ?? '')
  // Only the origin form; `//host/path` would otherwise be read as another host.
  const url = `http://loopback${target}`
  return target.startsWith('/') && URL.canParse(url) ? new URL(url) : undefined
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > BODY_LIMIT_BYTES) {
      throw new Refusal('invalid_request', 'the body is too large', 413, { Connection: 'close' })
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function formOf(members: unknown): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(Object(members))) {
    for (const each of Array.isArray(value) ? value : [value]) form.append(name, String(each))
  }
  return form
}

/** Reads a request, or takes the body that an earlier middleware of the host has parsed already. */
export async function readRequest(request: IncomingMessage, target: URL): Promise<EndpointRequest> {
  const isParsed = request.readableEnded && Reflect.get(request, 'body') !== undefined
  const parsed: unknown = isParsed ? Reflect.get(request, 'body') : undefined
  const text = isParsed ? '' : await readText(request)
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()

  let form: URLSearchParams | undefined
  if (type === 'application/x-www-form-urlencoded') {
    form = isParsed ? formOf(parsed) : new URLSearchParams(text)
  }
  let json: unknown
  if (type === 'application/json') json = isParsed ? parsed : parseJson(text)
  return {
    method: request.method ?? 'GET',
    query: target.searchParams,
    authorization: request.headers.authorization,
    form,
    json,
  }
}

/** Body of an answer as it goes over the wire. */
export function formatBody({ body }: EndpointResponse): string {
  return typeof body === 'object' ? JSON.stringify(body) : (body ?? '')
}

/** Sends an answer, without its body when the request was HEAD. */
export function sendResponse(
  request: IncomingMessage,
  response: ServerResponse,
  answer: EndpointResponse,
): void {
  writeHead(response, answer)
  response.end(request.method === 'HEAD' ? undefined : formatBody(answer))
}

/** Sends status and headers, so that the body can follow in pieces. */
export function writeHead(
  response: ServerResponse,
  { status, headers, body }: EndpointResponse,
): void {
  response.statusCode = status
  if (typeof body === 'object') response.setHeader('Content-Type', 'application/json')
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value)
}
