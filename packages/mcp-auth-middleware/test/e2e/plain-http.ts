import { request as send } from 'node:http'

export interface PlainAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The JSON-RPC message, whether it came as JSON or as the first event of a stream. */
  message(): { readonly [name: string]: unknown }
}

function messageOf(text: string, type: string): { readonly [name: string]: unknown } {
  const json = type.startsWith('text/event-stream')
    ? (/^data: (.+)$/m.exec(text)?.[1] ?? '{}')
    : text
  return JSON.parse(json) as { readonly [name: string]: unknown }
}

/** Sends a message with exactly these headers; a fetch client would add its own `Accept`. */
export function post(
  url: string,
  message: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<PlainAnswer> {
  const body = message === undefined ? '' : JSON.stringify(message)
  const method = message === undefined ? 'DELETE' : 'POST'
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      { method, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            message: () => messageOf(text, response.headers['content-type'] ?? ''),
          })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** Headers of a client that follows the transport specification. */
export function headersFor(token: string, revision?: string): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(revision === undefined ? undefined : { 'mcp-protocol-version': revision }),
  }
}

/** The first message of every revision before 2026-07-28. */
export function initialize(revision: string) {
  return {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: revision,
      capabilities: {},
      clientInfo: { name: 'plain', version: '1.0.0' },
    },
  }
}
