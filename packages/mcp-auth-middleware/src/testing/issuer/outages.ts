import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EndpointResponse } from './endpoint.js'
import { formatBody, sendResponse, writeHead } from './http-exchange.js'

/**
 * How an endpoint answers:
 *
 * - `ok`: as it should
 * - `error-500`: 500 with a text body
 * - `hang`: takes the request and never answers
 * - `html`: 200 with a web page, as a proxy or a single-page application does
 * - `redirect`: to the same document on the other loopback host name
 * - `huge`: the right document after 64 MiB of white space
 * - `reset`: closes the connection with a TCP reset
 * - `drip`: the right document, one byte every 200 ms
 * - `empty`: 200 without a body
 */
export const RESPONSE_MODES = [
  'ok',
  'error-500',
  'hang',
  'html',
  'redirect',
  'huge',
  'reset',
  'drip',
  'empty',
] as const

/** One entry of {@link RESPONSE_MODES}. */
export type ResponseMode = (typeof RESPONSE_MODES)[number]

const HUGE_BYTES = 64 * 1024 * 1024
const DRIP_INTERVAL_MS = 200

function sendHuge(response: ServerResponse, answer: EndpointResponse): void {
  const blank = Buffer.alloc(64 * 1024, ' ')
  let left = HUGE_BYTES
  writeHead(response, answer)

  function fill(): void {
    while (left > 0 && !response.destroyed) {
      left -= blank.length
      if (!response.write(blank)) {
        response.once('drain', fill)
        return
      }
    }
    if (!response.destroyed) response.end(formatBody(answer))
  }
  fill()
}

function sendDrip(response: ServerResponse, answer: EndpointResponse): void {
  const bytes = Buffer.from(formatBody(answer))
  let sent = 0
  writeHead(response, answer)
  const timer = setInterval(() => {
    response.write(bytes.subarray(sent, sent + 1))
    sent += 1
    if (sent >= bytes.length) response.end()
  }, DRIP_INTERVAL_MS)
  response.once('close', () => clearInterval(timer))
}

/** Answers in a way that is not `ok`. `answer` makes the right document for the modes that need it. */
export async function sendOutage(
  mode: Exclude<ResponseMode, 'ok'>,
  request: IncomingMessage,
  response: ServerResponse,
  redirectTarget: string,
  answer: () => Promise<EndpointResponse>,
): Promise<void> {
  switch (mode) {
    case 'hang':
      return
    case 'reset':
      request.socket.resetAndDestroy()
      return
    case 'error-500':
      return sendResponse(request, response, { status: 500, body: 'out of order' })
    case 'html':
      return sendResponse(request, response, {
        status: 200,
        headers: { 'Content-Type': 'text/html' },
        body: '<!doctype html><title>Welcome</title>',
      })
    case 'empty':
      return sendResponse(request, response, {
        status: 200,
        headers: { 'Content-Type': 'application/json' },
      })
    case 'redirect':
      return sendResponse(request, response, { status: 307, headers: { Location: redirectTarget } })
    case 'huge':
      return sendHuge(response, await answer())
    case 'drip':
      return sendDrip(response, await answer())
  }
}
