import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable, Writable } from 'node:stream'
import { createEngineScope, type EngineScope, runInScope } from './engine-scope.js'

/** A request as the engine sees it: only what we hand over, never the caller's own object. */
export interface EngineRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly remoteAddress?: string | undefined
}

/** An answer that has not been sent yet. */
export interface EngineResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
}

/** The engine's handler of requests. */
export type EngineHandler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Collects what the engine answers, so that it can be sent after the commit, or not at all. */
class BufferedResponse extends Writable {
  statusCode = 404
  statusMessage = ''
  headersSent = false
  readonly chunks: Buffer[] = []
  readonly fields = new Map<string, string | string[]>()

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(Buffer.from(chunk))
    done()
  }

  setHeader(name: string, value: number | string | readonly string[]): this {
    this.fields.set(name.toLowerCase(), Array.isArray(value) ? [...value] : String(value))
    return this
  }

  appendHeader(name: string, value: string | readonly string[]): this {
    const known = this.fields.get(name.toLowerCase()) ?? []
    return this.setHeader(name, [known, value].flat() as string[])
  }

  getHeader(name: string): string | string[] | undefined {
    return this.fields.get(name.toLowerCase())
  }

  getHeaders(): OutgoingHttpHeaders {
    return Object.fromEntries(this.fields)
  }

  getHeaderNames(): string[] {
    return [...this.fields.keys()]
  }

  hasHeader(name: string): boolean {
    return this.fields.has(name.toLowerCase())
  }

  removeHeader(name: string): void {
    this.fields.delete(name.toLowerCase())
  }

  flushHeaders(): void {}
}

/** A body that is there as a whole. */
class BufferedRequest extends Readable {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    super({ emitClose: false })
    this.#bytes = bytes
  }

  override _read(): void {
    this.push(this.#bytes)
    this.push(null)
  }
}

function createRequest(request: EngineRequest): Readable {
  const bytes = Buffer.from(request.body ?? '', 'utf8')
  const stream = new BufferedRequest(bytes)
  const headers: Record<string, string> = { ...request.headers }
  if (request.body !== undefined) headers['content-length'] = String(bytes.length)
  return Object.assign(stream, {
    method: request.method,
    url: request.url,
    headers,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    socket: { remoteAddress: request.remoteAddress, encrypted: false, writable: true },
  })
}

/**
 * Asks the engine and keeps its answer. Rejects with the failure of the storage when there was one:
 * an outage must not be answered as an error of the request.
 */
export async function callEngine(
  handler: EngineHandler,
  request: EngineRequest,
  scope: EngineScope = createEngineScope(),
): Promise<EngineResponse> {
  const response = new BufferedResponse()
  const finished = new Promise<void>((resolve, reject) => {
    response.once('finish', resolve)
    response.once('error', reject)
  })
  await runInScope(scope, async () => {
    // The framework of the engine uses a small part of both objects, which these two have.
    handler(createRequest(request) as IncomingMessage, response as unknown as ServerResponse)
    await finished
  })
  if (scope.failure !== undefined) throw scope.failure
  return {
    status: response.statusCode,
    headers: Object.fromEntries(response.fields),
    body: Buffer.concat(response.chunks),
  }
}
