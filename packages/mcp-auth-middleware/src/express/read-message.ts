import type { ServerResponse } from 'node:http'
import type { McpAuth } from '../create-mcp-auth.js'
import type { NodeRequest } from '../express.js'
import {
  type ParsedMessage,
  parseMessage,
  parseMessageBytes,
  parseMessageText,
} from '../resource-server/json-rpc-message.js'
import { announcedLength, announcesBody } from '../resource-server/request-view.js'

/** Whether a body parser before us has read the stream, so that `req.body` is all there is. */
function isConsumed(request: NodeRequest): boolean {
  return (
    request.readableEnded ||
    (request.readableDidRead && request.readableLength === 0 && request.complete)
  )
}

function parseBody(body: unknown): ParsedMessage {
  if (body instanceof Uint8Array) return parseMessageBytes(body)
  if (typeof body === 'string') return parseMessageText(body)
  return parseMessage(body)
}

/**
 * Reads the whole body and puts it back, so that the handler or a body parser behind us reads it
 * again.
 *
 * The bytes are put back in the same tick in which the last of them was read: afterwards the stream
 * has emitted `end` and takes nothing back.
 */
function readStream(request: NodeRequest, limit: number): Promise<Uint8Array | 'too_large'> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) {
      reject(new Error('the request ended before its body'))
      return
    }
    const chunks: Uint8Array[] = []
    let size = 0

    const settle = (): void => {
      request.off('readable', onReadable)
      request.off('end', onEnd)
      request.off('error', onFailure)
      request.off('close', onFailure)
    }
    const onFailure = (): void => {
      settle()
      reject(new Error('the request ended before its body'))
    }
    const onReadable = (): void => {
      for (;;) {
        const chunk: unknown = request.read()
        if (!(chunk instanceof Uint8Array)) break
        chunks.push(chunk)
        size += chunk.byteLength
        if (size > limit) {
          settle()
          resolve('too_large')
          return
        }
      }
      if (!request.complete) return
      settle()
      const bytes = Buffer.concat(chunks, size)
      if (size > 0) request.unshift(bytes)
      resolve(bytes)
    }
    // An empty body that had arrived before us ends without being readable once.
    const onEnd = (): void => {
      settle()
      // Bytes that were not put back would be judged here and missing behind us.
      if (size > 0) reject(new Error('the body ended before it was complete'))
      else resolve(new Uint8Array())
    }
    request.on('readable', onReadable)
    request.on('end', onEnd)
    request.on('error', onFailure)
    request.on('close', onFailure)
  })
}

/** What bounds the messages of a resource server. */
export type MessageBounds = Pick<McpAuth, 'maxMessageBytes' | 'messageBudget'>

/**
 * Finds the JSON-RPC message of a request, parsed before us or not. A body that is read here keeps its
 * room until the request was answered.
 */
export async function readMessage(
  request: NodeRequest,
  response: ServerResponse,
  { maxMessageBytes, messageBudget }: MessageBounds,
): Promise<ParsedMessage | 'too_large' | 'full'> {
  if (isConsumed(request)) return parseBody(request.body)
  // Without a body the stream must not be touched.
  if (!announcesBody(request.headers)) return parseMessageText('')
  const length = announcedLength(request.headers)
  if (length !== undefined && length > maxMessageBytes) return 'too_large'
  const room = messageBudget.take(length)
  if (room === 'full') return room
  if (room !== undefined) {
    if (response.closed) room.release()
    else response.once('close', room.release)
  }
  const bytes = await readStream(request, maxMessageBytes)
  if (bytes === 'too_large') return bytes
  room?.shrink(bytes.byteLength)
  return parseMessageBytes(bytes)
}
