import { createConnection } from 'node:net'
import type { SqlRow } from '../database/database.js'
import { databaseUnavailable } from '../database/database-errors.js'
import {
  ADMIN_PROTOCOL,
  type AdminErrorCode,
  type AdminResponse,
  decodeRows,
  failureOf,
  formatFrame,
  parseResponse,
} from './admin-protocol.js'
import { errnoOf } from './errno.js'
import { createFrameSplitter } from './frame-splitter.js'

/** What a client asks, without the id that the connection gives it. */
export type AdminQuestion =
  | {
      readonly type: 'query'
      readonly text: string
      readonly values: readonly unknown[]
      readonly timeout: number
    }
  | { readonly type: 'begin'; readonly timeout: number }
  | { readonly type: 'commit' | 'rollback' }

/** One connection to an admin server. */
export interface AdminConnection {
  readonly isOpen: boolean
  ask(question: AdminQuestion): Promise<readonly SqlRow[]>
  /** Ends it at once; the server rolls back what was open. What is asked rejects. Idempotent. */
  destroy(): void
}

interface Pending {
  readonly rows: SqlRow[]
  resolve(rows: readonly SqlRow[]): void
  reject(error: Error): void
}

/** Code of the error when no process serves the socket. */
export const NOT_SERVED = 'ERR_ADMIN_NOT_SERVED'

const CONNECT_MILLISECONDS = 2_000

function connectionError(path: string, error: unknown): Error {
  const code = errnoOf(error) ?? 'ECONNRESET'
  const socket = `the admin socket ${JSON.stringify(path)}`
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return databaseUnavailable(
      `no process serves ${socket}; start the server, or open the folder without it`,
      NOT_SERVED,
    )
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return databaseUnavailable(`${socket} belongs to another user; run this as that user`, code)
  }
  return databaseUnavailable(`${socket} could not be used`, code)
}

/**
 * Connects to the admin server of another process and waits for its greeting.
 *
 * @throws {@link StoreUnavailableError} when nobody serves the socket, it belongs to another user or the
 *   server speaks another protocol; `cause.code` tells which.
 */
export function connectToAdmin(path: string): Promise<AdminConnection> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    const splitter = createFrameSplitter()
    const pending = new Map<number, Pending>()
    const timer = setTimeout(() => socket.destroy(), CONNECT_MILLISECONDS)
    let lastId = 0
    let failure: Error | undefined
    let isGreeted = false

    function fail(error: Error): void {
      failure ??= error
      socket.destroy()
    }

    const connection: AdminConnection = {
      get isOpen() {
        return failure === undefined && !socket.destroyed
      },
      ask(question) {
        if (failure !== undefined) return Promise.reject(failure)
        lastId += 1
        const id = lastId
        const frame = formatFrame({ ...question, id })
        const tooLong: AdminErrorCode = 'ERR_ADMIN_SIZE'
        if (frame === undefined) return Promise.reject(failureOf(tooLong))
        return new Promise((resolveRows, rejectRows) => {
          pending.set(id, { rows: [], resolve: resolveRows, reject: rejectRows })
          // A process with nothing else to do ends once it has its answers.
          socket.ref()
          socket.write(frame)
        })
      },
      destroy: () => fail(databaseUnavailable('the connection was closed', 'ERR_CLOSED')),
    }

    function settle(id: number): Pending | undefined {
      const request = pending.get(id)
      pending.delete(id)
      if (pending.size === 0) socket.unref()
      return request
    }

    function receive(response: AdminResponse): void {
      if ('protocol' in response) {
        if (isGreeted || response.protocol !== ADMIN_PROTOCOL) {
          fail(databaseUnavailable('the server is another release than this one', 'ERR_PROTOCOL'))
          return
        }
        isGreeted = true
        clearTimeout(timer)
        socket.unref()
        resolve(connection)
      } else if ('error' in response) {
        const error = failureOf(response.error.code)
        if (response.id === undefined) fail(error)
        else settle(response.id)?.reject(error)
      } else {
        const rows = decodeRows(response.rows)
        pending.get(response.id)?.rows.push(...rows)
        if (response.more === true) return
        const request = settle(response.id)
        request?.resolve(request.rows)
      }
    }

    socket.on('data', (bytes: Uint8Array) => {
      try {
        for (const frame of splitter.push(bytes)) receive(parseResponse(frame))
      } catch {
        fail(databaseUnavailable('the admin socket answered with something else', 'ERR_PROTOCOL'))
      }
    })
    socket.on('error', (error) => fail(connectionError(path, error)))
    socket.on('close', () => {
      clearTimeout(timer)
      const error = failure ?? connectionError(path, undefined)
      failure = error
      reject(error)
      for (const request of pending.values()) request.reject(error)
      pending.clear()
    })
  })
}
