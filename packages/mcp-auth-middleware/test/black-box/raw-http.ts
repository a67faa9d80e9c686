import { connect, type Socket } from 'node:net'

/** One request as it goes over the wire; nothing is merged, ordered or corrected. */
export interface RawRequest {
  readonly method?: string
  readonly target?: string
  /** Fields in order. A value is written as Latin-1, byte for byte. Default host: `mcp.test`. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Replaces the `Host` field; `null` leaves it out. */
  readonly host?: string | null
  readonly body?: string | Uint8Array
  /** `chunked` sends the body in chunks of `chunkBytes`. */
  readonly transfer?: 'length' | 'chunked'
  readonly chunkBytes?: number
}

/** One answer; header names are in lower case and repeated fields stay apart. */
export interface RawResponse {
  readonly status: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  header(name: string): string | undefined
  readonly body: Buffer
  readonly text: string
  /** Whether the whole message arrived: its length, its last chunk, or the end of the connection. */
  readonly complete: boolean
}

/** One TCP connection on which requests can be written byte by byte. */
export interface RawConnection {
  readonly socket: Socket
  write(bytes: string | Uint8Array): Promise<void>
  /** Reads the next answer. Rejects when the connection ends before one has begun. */
  read(options?: { readonly method?: string }): Promise<RawResponse>
  /** Resolves when the body so far contains the text. */
  seen(text: string): Promise<void>
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>
  destroy(): void
}

const CRLF = '\r\n'
const DEADLINE_MS = 8000

function chunksOf(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size)
    parts.push(Buffer.from(`${chunk.length.toString(16)}${CRLF}`), chunk, Buffer.from(CRLF))
  }
  parts.push(Buffer.from(`0${CRLF}${CRLF}`))
  return Buffer.concat(parts)
}

/** Writes a request as bytes. */
export function formatRequest(request: RawRequest): Buffer {
  const { method = 'POST', target = '/mcp', host = 'mcp.test', headers = [], body } = request
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const chunked = request.transfer === 'chunked'
  const lines = [`${method} ${target} HTTP/1.1`]
  if (host !== null) lines.push(`Host: ${host}`)
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  if (chunked) lines.push('Transfer-Encoding: chunked')
  else if (bytes !== undefined) lines.push(`Content-Length: ${bytes.length}`)
  const head = Buffer.from(lines.join(CRLF) + CRLF + CRLF, 'latin1')
  if (bytes === undefined && !chunked) return head
  const payload = bytes ?? Buffer.alloc(0)
  return Buffer.concat([
    head,
    chunked ? chunksOf(payload, request.chunkBytes ?? 64 * 1024) : payload,
  ])
}

interface Parsed {
  readonly response: RawResponse
  readonly length: number
}

function readChunks(bytes: Buffer): { body: Buffer; length: number; complete: boolean } {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf(CRLF, at)
    if (end === -1) break
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    const start = end + 2
    if (size === 0) {
      const trailer = bytes.indexOf(CRLF, start)
      if (trailer === -1) break
      return { body: Buffer.concat(parts), length: trailer + 2, complete: true }
    }
    if (bytes.length < start + size + 2) {
      parts.push(bytes.subarray(start, start + size))
      break
    }
    parts.push(bytes.subarray(start, start + size))
    at = start + size + 2
  }
  return { body: Buffer.concat(parts), length: bytes.length, complete: false }
}

/** Parses one answer from the start of the bytes; `undefined` while its head is not there. */
function parseResponse(bytes: Buffer, method: string, ended: boolean): Parsed | undefined {
  const headEnd = bytes.indexOf(CRLF + CRLF)
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split(CRLF)
  const status = Number(statusLine.split(' ')[1])
  const fields = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  const header = (name: string): string | undefined => fields.find(([field]) => field === name)?.[1]
  const rest = bytes.subarray(headEnd + 4)

  let body: Buffer = Buffer.alloc(0)
  let length = 0
  let complete = true
  if (status < 200) {
    const next = parseResponse(Buffer.from(rest), method, ended)
    return next === undefined ? undefined : { ...next, length: headEnd + 4 + next.length }
  }
  if (method !== 'HEAD' && status !== 204 && status !== 304) {
    if (header('transfer-encoding')?.toLowerCase() === 'chunked') {
      ;({ body, length, complete } = readChunks(rest))
    } else if (header('content-length') !== undefined) {
      length = Math.min(rest.length, Number(header('content-length')))
      body = rest.subarray(0, length)
      complete = length === Number(header('content-length'))
    } else {
      body = rest
      length = rest.length
      complete = ended
    }
  }
  // Decoded when it is asked for: this runs again with every packet of a large answer.
  let text: string | undefined
  return {
    response: {
      status,
      fields,
      header,
      body,
      get text() {
        text ??= body.toString('utf8')
        return text
      },
      complete,
    },
    length: headEnd + 4 + length,
  }
}

/** Opens a connection to a port of 127.0.0.1. */
export function openConnection(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let buffer: Buffer = Buffer.alloc(0)
    let ended = false
    const listeners = new Set<() => void>()
    const wake = (): void => {
      for (const listener of [...listeners]) listener()
    }
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk])
      wake()
    })
    const closed = new Promise<void>((done) => {
      socket.on('close', () => {
        ended = true
        wake()
        done()
      })
    })
    socket.on('end', () => {
      ended = true
      wake()
    })
    socket.once('error', reject)

    /** Waits until `attempt` gives a value; rejects at the end of the connection or a deadline. */
    const until = <T>(attempt: () => T | undefined, what: string): Promise<T> =>
      new Promise((done, failed) => {
        const timer = setTimeout(() => finish(new Error(`no ${what} in time`)), DEADLINE_MS)
        const finish = (result: T | Error): void => {
          clearTimeout(timer)
          listeners.delete(look)
          if (result instanceof Error) failed(result)
          else done(result)
        }
        const look = (): void => {
          const value = attempt()
          if (value !== undefined) finish(value)
          else if (ended) finish(new Error(`the connection ended before ${what}`))
        }
        listeners.add(look)
        look()
      })

    socket.once('connect', () => {
      socket.off('error', reject)
      // A reset by the server is an answer of its own, seen as a missing or cut response.
      socket.on('error', () => undefined)
      resolve({
        socket,
        closed,
        write: (bytes) =>
          new Promise((done) => {
            socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () =>
              done(),
            )
          }),
        read: ({ method = 'GET' } = {}) =>
          until(() => {
            const parsed = parseResponse(buffer, method, ended)
            if (parsed === undefined || (!parsed.response.complete && !ended)) return undefined
            buffer = buffer.subarray(parsed.length)
            return parsed.response
          }, 'an answer'),
        seen: (text) =>
          until(() => (buffer.includes(text) ? true : undefined), text).then(() => undefined),
        destroy: () => socket.destroy(),
      })
    })
  })
}

/** Sends one request on a connection of its own and reads the answer. */
export async function sendRaw(
  port: number,
  request: RawRequest | string | Uint8Array,
): Promise<RawResponse> {
  const plain = typeof request === 'string' || request instanceof Uint8Array
  const connection = await openConnection(port)
  try {
    // Not awaited: a server may answer, and stop reading, before it has the whole body.
    void connection.write(plain ? request : formatRequest(request))
    const method = plain ? 'GET' : (request.method ?? 'POST')
    return await connection.read({ method })
  } finally {
    connection.destroy()
  }
}
