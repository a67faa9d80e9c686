import type { Database, SqlRow, Statement } from '@bestviable/mcp-auth-store-postgres'

const RETRY_MILLISECONDS = 1000
const LONGEST_POLL_MILLISECONDS = 750
const SCHEMA_CHARACTERS = 50
/** More than this within the window are told as one change at every poll. */
const RECENT = 1000

// Longer than any transaction of the storage: rows appear with the commit and carry the time before it.
const readRecent: Statement = {
  name: 'mcp_auth_as_revocations_recent',
  text: `SELECT id::text AS id FROM {schema}.revocations
    WHERE added_at > now() - interval '30 seconds' LIMIT ${RECENT}`,
}

/** The channel of NOTIFY: one per schema, since channels belong to a whole database. */
export function revocationChannel({ schema }: Database): string {
  return `${schema.slice(0, SCHEMA_CHARACTERS)}_revocations`
}

function listenForRevocations(database: Database, onChange: () => void): () => void {
  let isStopped = false
  let stopListening: (() => Promise<void>) | undefined
  let timer: NodeJS.Timeout | undefined

  async function start(): Promise<void> {
    try {
      stopListening = await database.listen(revocationChannel(database), {
        onNotification: onChange,
        onReset: onChange,
      })
    } catch {
      if (!isStopped) timer = setTimeout(start, RETRY_MILLISECONDS).unref()
      return
    }
    if (isStopped) await stopListening().catch(() => undefined)
    // What was revoked before the channel was open was not heard.
    else onChange()
  }

  void start()
  return () => {
    isStopped = true
    clearTimeout(timer)
    stopListening?.().catch(() => undefined)
  }
}

function pollForRevocations(database: Database, onChange: () => void): () => void {
  const milliseconds = Math.min(database.pollMilliseconds, LONGEST_POLL_MILLISECONDS)
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  let known = new Set<unknown>()
  // Also after a poll that failed, and at the first one: anything may have been missed.
  let hasMissed = true

  function take(rows: readonly SqlRow[]): void {
    const isNews = hasMissed || rows.length === RECENT || rows.some(({ id }) => !known.has(id))
    known = new Set(rows.map(({ id }) => id))
    hasMissed = false
    if (isNews) onChange()
  }

  async function poll(): Promise<void> {
    try {
      const rows = await database.query(readRecent, [])
      if (!isStopped) take(rows)
    } catch {
      hasMissed = true
    }
    if (!isStopped) timer = setTimeout(poll, milliseconds).unref()
  }

  void poll()
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

/**
 * Calls back when something was revoked: at once by NOTIFY where the database listens, and by a poll
 * within a second, since who revokes need not be able to notify, as a command line behind a pooler.
 * Calls back too when anything may have been missed. Returns a function that ends it.
 */
export function watchRevocations(database: Database, onChange: () => void): () => void {
  let isStopped = false
  function tell(): void {
    if (isStopped) return
    try {
      onChange()
    } catch {
      // The watcher must not end the feed.
    }
  }
  const stops = [pollForRevocations(database, tell)]
  if (database.listens) stops.push(listenForRevocations(database, tell))
  return () => {
    isStopped = true
    for (const stop of stops) stop()
  }
}
