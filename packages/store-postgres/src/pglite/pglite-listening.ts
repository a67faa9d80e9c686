import type { NotificationListener } from '../database/database.js'
import { toStoreError } from '../database/database-errors.js'
import { DEADLINES } from '../database/deadlines.js'
import type { RawDatabase } from '../database/raw-database.js'
import type { PgliteInstance } from './load-pglite.js'
import type { Turns } from './turns.js'

/** LISTEN in one process. */
export interface PgliteListening {
  listen: RawDatabase['listen']
  /** Tells all listeners that anything may have changed. */
  reset(): void
}

function tell(listeners: Iterable<NotificationListener>, call: (to: NotificationListener) => void) {
  for (const listener of [...listeners]) {
    try {
      call(listener)
    } catch {
      // PGlite calls in the middle of a statement, which has nothing to do with it.
    }
  }
}

/**
 * Creates LISTEN for one PGlite. Channels are compared as they are: PGlite's own `listen` folds their
 * names to lower case, and when it ends that of a name with capitals it ends another one.
 */
export function createPgliteListening(pglite: PgliteInstance, turns: Turns): PgliteListening {
  const channels = new Map<string, Set<NotificationListener>>()
  pglite.onNotification((channel, payload) => {
    tell(channels.get(channel) ?? [], (listener) => listener.onNotification(payload))
  })

  function send(command: 'LISTEN' | 'UNLISTEN', channel: string): Promise<void> {
    return turns.run(
      async () => {
        try {
          await pglite.query(`${command} "${channel.replaceAll('"', '""')}"`)
        } catch (error) {
          throw toStoreError(error)
        }
      },
      { milliseconds: DEADLINES.write },
    )
  }

  return {
    async listen(channel, listener) {
      // Wrapped, so that one listener can be there twice.
      const entry: NotificationListener = {
        onNotification: (payload) => listener.onNotification(payload),
        onReset: () => listener.onReset(),
      }
      const listeners = channels.get(channel) ?? new Set()
      channels.set(channel, listeners.add(entry))
      try {
        await send('LISTEN', channel)
      } catch (error) {
        listeners.delete(entry)
        throw error
      }
      return async () => {
        if (!listeners.delete(entry) || listeners.size > 0) return
        channels.delete(channel)
        await send('UNLISTEN', channel)
        // Somebody began to listen while this waited for its turn.
        if (channels.has(channel)) await send('LISTEN', channel)
      }
    },
    reset() {
      for (const listeners of channels.values()) tell(listeners, (listener) => listener.onReset())
    },
  }
}
