import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { databaseUnavailable } from './database-errors.js'

/** Milliseconds for the heartbeat, and for each statement on this connection. */
const ANSWER_MILLISECONDS = 2_000

/** How to open a connection for LISTEN, and who is told. */
export interface NotificationConnectionOptions {
  readonly config: pg.ClientConfig
  readonly connectMilliseconds: number
  readonly heartbeatMilliseconds: number
  readonly channels: readonly string[]
  onNotification(channel: string, payload: string): void
  /** At most once, and not after `close`. */
  onLost(error: unknown): void
}

/** An open connection for LISTEN. */
export interface NotificationConnection {
  /** Idempotent. A failure is a lost connection, not a rejection. */
  listenTo(channel: string): Promise<void>
  stopListening(channel: string): Promise<void>
  close(): void
}

/**
 * Opens a connection that listens on channels.
 *
 * Its heartbeat is a notification to a channel that no other connection knows: it proves the whole way
 * that notifications take, also where a pooler accepts LISTEN and gives the server connection away.
 */
export async function openNotificationConnection(
  options: NotificationConnectionOptions,
): Promise<NotificationConnection> {
  const heartbeat = `mcp_auth_heartbeat_${randomBytes(8).toString('hex')}`
  const listened = new Set([heartbeat, ...options.channels])
  const client = new pg.Client({
    ...options.config,
    connectionTimeoutMillis: options.connectMilliseconds,
    query_timeout: ANSWER_MILLISECONDS,
    keepAlive: true,
  })
  let isOpen = false
  let timer: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  function end(): void {
    isOpen = false
    clearTimeout(timer)
    client.connection.stream.destroy()
  }

  function lose(error: unknown): void {
    if (!isOpen) return
    end()
    options.onLost(error)
  }

  function later(milliseconds: number, action: () => void): void {
    clearTimeout(timer)
    timer = setTimeout(action, milliseconds)
    timer.unref()
  }

  function send(text: string): Promise<void> {
    // A client takes one statement at a time.
    const sent = last.then(async () => {
      if (isOpen) await client.query(text)
    })
    last = sent.catch(lose)
    return last.then(() => {})
  }

  function beat(): void {
    later(options.heartbeatMilliseconds, () => {
      later(ANSWER_MILLISECONDS, () =>
        lose(databaseUnavailable('LISTEN missed a heartbeat', 'ETIMEDOUT')),
      )
      void send(`NOTIFY "${heartbeat}"`)
    })
  }

  client.on('error', lose)
  client.on('end', () => lose(databaseUnavailable('LISTEN lost its connection', 'ECONNRESET')))
  client.on('notification', ({ channel, payload }) => {
    if (!isOpen) return
    if (channel === heartbeat) beat()
    else options.onNotification(channel, payload ?? '')
  })
  try {
    await client.connect()
    await client.query([...listened].map((channel) => `LISTEN "${channel}"`).join('; '))
  } catch (error) {
    end()
    throw error
  }
  isOpen = true
  // Waiting for others is no reason to keep a process alive.
  Reflect.get(client, 'unref')?.call(client)
  beat()

  return {
    async listenTo(channel) {
      if (listened.has(channel)) return
      listened.add(channel)
      await send(`LISTEN "${channel}"`)
    },
    async stopListening(channel) {
      if (listened.delete(channel)) await send(`UNLISTEN "${channel}"`)
    },
    close: end,
  }
}
