import { type StoreUnavailableError, StoreUnsupportedError } from '@bestviable/mcp-auth-middleware'
import type pg from 'pg'
import type { NotificationListener } from './database.js'
import { toStoreError } from './database-errors.js'
import {
  type NotificationConnection,
  openNotificationConnection,
} from './notification-connection.js'

const FIRST_BACKOFF_MILLISECONDS = 100
const LAST_BACKOFF_MILLISECONDS = 5_000

/** How to listen. */
export interface ListeningOptions {
  /** Absent where a Pool does not tell how it connects. */
  readonly config: pg.ClientConfig | undefined
  readonly connectMilliseconds: number
  readonly heartbeatMilliseconds: number
  readonly onError: ((error: StoreUnavailableError) => void) | undefined
}

/** All channels of one database, on one connection that is opened with the first of them. */
export interface Listening {
  /**
   * Resolves when the channel is listened to or, where the database cannot be reached, after the first
   * attempt; then `onReset` tells when it is.
   */
  listen(channel: string, listener: NotificationListener): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** Keeps a connection for LISTEN while there are listeners, and opens it again for ever. */
export function createListening(options: ListeningOptions): Listening {
  const channels = new Map<string, Set<NotificationListener>>()
  let connection: NotificationConnection | undefined
  let attempt: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let backoff = FIRST_BACKOFF_MILLISECONDS
  let hasMissed = false
  let isClosed = false

  /** Runs code of others, whose failure must not end the process nor the notifications. */
  function call(action: () => void): void {
    try {
      action()
    } catch (error) {
      queueMicrotask(() => process.emitWarning(error instanceof Error ? error : String(error)))
    }
  }

  function onTrouble(error: unknown): void {
    connection = undefined
    hasMissed = true
    const known = toStoreError(error) as StoreUnavailableError
    call(() => options.onError?.(known))
    clearTimeout(timer)
    if (isClosed || channels.size === 0) return
    // Replicas that lost the same server come back apart from each other.
    timer = setTimeout(() => void connect(), backoff * (0.5 + Math.random() / 2))
    timer.unref()
    backoff = Math.min(backoff * 2, LAST_BACKOFF_MILLISECONDS)
  }

  async function open(config: pg.ClientConfig): Promise<void> {
    clearTimeout(timer)
    try {
      const opened = await openNotificationConnection({
        config,
        connectMilliseconds: options.connectMilliseconds,
        heartbeatMilliseconds: options.heartbeatMilliseconds,
        channels: [...channels.keys()],
        onNotification(channel, payload) {
          for (const listener of channels.get(channel) ?? []) {
            call(() => listener.onNotification(payload))
          }
        },
        onLost: onTrouble,
      })
      if (isClosed || channels.size === 0) return opened.close()
      connection = opened
      backoff = FIRST_BACKOFF_MILLISECONDS
    } catch (error) {
      return onTrouble(error)
    }
    if (!hasMissed) return
    hasMissed = false
    for (const listeners of channels.values()) {
      for (const listener of listeners) call(() => listener.onReset())
    }
  }

  function connect(): Promise<void> {
    const { config } = options
    if (config === undefined) {
      throw new StoreUnsupportedError(
        'this pool does not tell how it connects; set listen to false',
      )
    }
    attempt ??= open(config).finally(() => {
      attempt = undefined
    })
    return attempt
  }

  async function stop(channel: string, listener: NotificationListener): Promise<void> {
    const listeners = channels.get(channel)
    if (listeners?.delete(listener) !== true || listeners.size > 0) return
    channels.delete(channel)
    if (channels.size > 0) return connection?.stopListening(channel)
    clearTimeout(timer)
    connection?.close()
    connection = undefined
  }

  return {
    async listen(channel, listener) {
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(channel)) {
        throw new TypeError('a channel has 1 to 63 letters, digits or "_"')
      }
      // An object of its own, so that the same listener can be given twice.
      const entry: NotificationListener = {
        onNotification: (payload) => listener.onNotification(payload),
        onReset: () => listener.onReset(),
      }
      const listeners = channels.get(channel) ?? new Set()
      channels.set(channel, listeners.add(entry))
      if (connection === undefined) await connect()
      // The connection may have been on its way before this channel was known.
      await connection?.listenTo(channel)
      return () => stop(channel, entry)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      connection?.close()
      connection = undefined
      await attempt
    },
  }
}
