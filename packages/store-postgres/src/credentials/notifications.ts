import type { Database } from '../database/database.js'

const RETRY_MILLISECONDS = 1000
const SCHEMA_CHARACTERS = 50

/** The channel of NOTIFY: one per schema, since channels belong to a whole database. */
export function notificationChannel({ schema }: Database): string {
  // Cut to the length that PostgreSQL allows. Schemas that then share a channel hear of too much only.
  return `${schema.slice(0, SCHEMA_CHARACTERS)}_credentials`
}

/** Formats the payload of NOTIFY. Neither part contains a blank. */
export function formatNotification(namespace: string, keyDigest: string): string {
  return `${namespace} ${keyDigest}`
}

/**
 * Tells changes of all namespaces of a database, and `undefined` for both parts when anything may have
 * changed, also once listening has begun. Returns a function that ends it.
 */
export function listenForChanges(
  database: Database,
  tell: (namespace: string | undefined, keyDigest: string | undefined) => void,
): () => void {
  let stopped = false
  let stopListening: (() => Promise<void>) | undefined
  let timer: NodeJS.Timeout | undefined

  async function start(): Promise<void> {
    try {
      stopListening = await database.listen(notificationChannel(database), {
        onNotification(payload) {
          const [namespace, keyDigest] = payload.split(' ')
          tell(namespace, keyDigest)
        },
        onReset: () => tell(undefined, undefined),
      })
    } catch {
      if (!stopped) timer = setTimeout(start, RETRY_MILLISECONDS).unref()
      return
    }
    if (stopped) await stopListening().catch(() => undefined)
    // What changed before the channel was open was not heard.
    else tell(undefined, undefined)
  }

  void start()
  return () => {
    stopped = true
    clearTimeout(timer)
    stopListening?.().catch(() => undefined)
  }
}
