import type { ServerResponse } from 'node:http'
import { createGzip, type Gzip } from 'node:zlib'
import type { NodeMiddleware } from '../../../packages/mcp-auth-middleware/src/express.js'

/** Begins to compress when the head is written, as the usual middleware does: only then is it known what. */
function encode(response: ServerResponse): void {
  const { writeHead, write, end } = response
  let encoder: Gzip | undefined

  response.writeHead = ((status: number, ...rest: unknown[]): ServerResponse => {
    response.writeHead = writeHead
    const headers = rest.at(-1)
    if (typeof headers === 'object' && headers !== null) {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    }
    if (status !== 204 && status !== 304) {
      response.removeHeader('content-length')
      response.setHeader('content-encoding', 'gzip')
      response.appendHeader('vary', 'Accept-Encoding')
      const made = createGzip()
      encoder = made
      made.on('data', (chunk: Buffer) => write.call(response, chunk, 'utf8'))
      made.on('end', () => end.call(response, undefined, 'utf8'))
      response.on('close', () => made.destroy())
    }
    return response.writeHead(status)
  }) as typeof writeHead

  response.write = ((chunk: string | Uint8Array): boolean => {
    if (!response.headersSent) response.writeHead(response.statusCode)
    if (encoder === undefined) return write.call(response, chunk, 'utf8')
    const isTaken = encoder.write(chunk)
    encoder.flush()
    return isTaken
  }) as typeof write

  response.end = ((chunk?: string | Uint8Array): ServerResponse => {
    if (!response.headersSent) response.writeHead(response.statusCode)
    if (encoder === undefined) return end.call(response, chunk, 'utf8')
    encoder.end(chunk)
    return response
  }) as typeof end
}

/** Compresses every answer to a client that takes gzip, however short. */
export const compress: NodeMiddleware = (request, response, next) => {
  if (/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) encode(response)
  next()
}
