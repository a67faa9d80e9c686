import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import type { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { databaseUnavailable } from '../database/database-errors.js'
import {
  ADMIN_PROTOCOL,
  type AdminErrorCode,
  type AdminRequest,
  formatFailure,
  parseRequest,
} from './admin-protocol.js'
import { createAdminSession } from './admin-session.js'
import { errnoOf } from './errno.js'
import { createFrameSplitter } from './frame-splitter.js'
import type { PgliteEngine } from './pglite-engine.js'

/** What {@link startAdminServer} needs. */
export interface AdminServerOptions {
  readonly engine: PgliteEngine
  /** Path of the unix socket. The caller holds the lock of its folder. */
  readonly path: string
  /** Told when the socket fails later on. */
  readonly onError?: ((error: StoreUnavailableError) => void) | undefined
  /** Milliseconds after which a transaction that does nothing is rolled back. Default 5000. */
  readonly idleMilliseconds?: number | undefined
}

/** A running admin server. */
export interface AdminServer {
  /** Ends it with its connections and removes the socket. Idempotent. */
  close(): Promise<void>
}

const MAXIMUM_CONNECTIONS = 8
const MAXIMUM_WAITING_REQUESTS = 32
const IDLE_MILLISECONDS = 5_000

/** Removes a socket that a killed process left, which nobody listens on: the lock is ours. */
function removeStaleSocket(path: string): void {
  let isSocket = false
  try {
    isSocket = lstatSync(path).isSocket()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw error
  }
  if (!isSocket) {
    throw databaseUnavailable(
      `${JSON.stringify(path)} is in the way of the admin socket; remove it`,
      'EADDRINUSE',
    )
  }
  unlinkSync(path)
}

function serve(socket: Socket, engine: PgliteEngine, idleMilliseconds: number): void {
  const session = createAdminSession(engine, idleMilliseconds)
  const splitter = createFrameSplitter()
  const waiting: AdminRequest[] = []
  let isAnswering = false

  function refuse(code: AdminErrorCode): void {
    session.end()
    socket.removeAllListeners('data')
    socket.end(formatFailure(code), () => socket.destroy())
  }

  async function answerAll(): Promise<void> {
    if (isAnswering) return
    isAnswering = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      for (const frame of await session.answer(next)) if (socket.writable) socket.write(frame)
    }
    isAnswering = false
  }

  socket.on('data', (bytes: Uint8Array) => {
    try {
      for (const frame of splitter.push(bytes)) waiting.push(parseRequest(frame))
    } catch {
      // What went wrong could repeat what was sent.
      refuse('ERR_ADMIN_FRAME')
      return
    }
    if (waiting.length > MAXIMUM_WAITING_REQUESTS) refuse('ERR_ADMIN_FRAME')
    else void answerAll()
  })
  socket.write(`${JSON.stringify({ protocol: ADMIN_PROTOCOL })}\n`)
  socket.on('close', () => session.end())
}

/**
 * Serves the database of this process to its owner on the same host, for the CLI: newline-delimited
 * JSON on a unix socket (0600) in the data folder (0700). Whoever can open the socket could read the
 * database files as well; nothing else protects it, and it runs any SQL. At most 8 connections, frames
 * up to 4 MiB. Does not keep the process alive.
 *
 * @throws {@link StoreUnavailableError} when something other than a socket is at the path.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { engine, path, onError, idleMilliseconds = IDLE_MILLISECONDS } = options
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    if (sockets.size >= MAXIMUM_CONNECTIONS) {
      const code: AdminErrorCode = 'ERR_ADMIN_CONNECTIONS'
      socket.end(formatFailure(code), () => socket.destroy())
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, engine, idleMilliseconds)
  })
  removeStaleSocket(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', (error) => {
    onError?.(databaseUnavailable('the admin socket failed', errnoOf(error) ?? 'UNKNOWN'))
  })
  server.unref()
  chmodSync(path, 0o600)

  let closing: Promise<void> | undefined
  return {
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
      return closing
    },
  }
}
