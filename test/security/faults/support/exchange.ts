import { type Agent, request as send } from 'node:http'

/** What came back of one request. */
export interface Exchange {
  /** When it was sent, in milliseconds of `performance.now()`. */
  readonly sentAt: number
  readonly milliseconds: number
  /** 0 without an answer. */
  readonly status: number
  readonly challenge: string | undefined
  readonly retryAfter: string | undefined
  /** The whole body, or what became of the connection. */
  readonly text: string
}

/** One request to send. */
export interface Sending {
  readonly agent: Agent | false
  readonly path?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends a POST, and never rejects: what failed has status 0. */
export function exchange(origin: string, sending: Sending): Promise<Exchange> {
  const { agent, path = '/mcp', headers, body } = sending
  const sentAt = performance.now()
  return new Promise((resolve) => {
    const done = (status: number, text: string, fields: Record<string, unknown> = {}): void =>
      resolve({
        sentAt,
        milliseconds: performance.now() - sentAt,
        status,
        challenge: fields['www-authenticate']?.toString(),
        retryAfter: fields['retry-after']?.toString(),
        text,
      })
    const length = Buffer.byteLength(body)
    const options = { agent, method: 'POST', headers: { ...headers, 'content-length': length } }
    const sent = send(`${origin}${path}`, options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => done(response.statusCode ?? 0, text, response.headers))
      response.on('error', (error) => done(0, error.message))
    })
    sent.on('error', (error) => done(0, error.message))
    sent.end(body)
  })
}

/** A JSON-RPC request to the MCP endpoint. */
export function rpc(
  agent: Agent | false,
  token: string | undefined,
  method: string,
  params?: unknown,
): Sending {
  return {
    agent,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  }
}

/** A tool call that reads a credential and asks Coda. */
export function whoami(agent: Agent | false, token: string): Sending {
  return rpc(agent, token, 'tools/call', { name: 'coda_whoami', arguments: {} })
}

/** A refresh of a public client. */
export function refreshSending(
  agent: Agent | false,
  clientId: string,
  refreshToken: string,
): Sending {
  const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken }
  return {
    agent,
    path: '/oauth/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  }
}
