import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'

/** What a client sent. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What a server sends back. */
export interface Answer {
  /** 0 ends the connection without an answer. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A server that listens. */
export interface Listener {
  /** Its address, without a path. */
  readonly origin: string
  close(): Promise<void>
}

/** A JSON document, as it is written: members that are `undefined` are left out. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Makes an answer of JSON. */
export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  }
}

/** Makes a page. */
export function page(status: number, text: string): Answer {
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="en"><title>${text}</title><p>${text}</p></html>`,
  }
}

/** Makes an answer without a body. */
export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: '' }
}

/** Makes no answer at all. */
export const SILENCE: Answer = { status: 0, headers: {}, body: '' }

/** Makes a redirect. */
export function redirect(location: string, status = 302): Answer {
  return empty(status, { location })
}

/** Reads a JSON object from a body; `undefined` for everything else. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined
  } catch {
    return undefined
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

/** Listens on a free port of 127.0.0.1 and answers HEAD as GET, without the body. */
export async function listen(
  answer: (request: Received) => Answer | Promise<Answer>,
): Promise<Listener> {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const { status, headers, body } = await answer({
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: await readBody(request),
    })
    if (status === 0) {
      response.destroy()
      return
    }
    response.writeHead(status, headers)
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}
