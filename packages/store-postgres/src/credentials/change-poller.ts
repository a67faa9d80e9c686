import type { Database, SqlRow, Statement } from '../database/database.js'

/** A write is seen that was made, on the clock of the database, so long before it was committed. */
const OVERLAP_SECONDS = 15
/** More changes than this are told as one that says that anything may have changed. */
const CHANGES = 1000

// `now()` and parameters, unlike `clock_timestamp()`, let the index on the time be used.
const selectChanges: Statement = Object.freeze({
  name: 'mcp_auth_credential_changes',
  text: `SELECT NULL::bytea AS key_digest, 'clock' AS mark, extract(epoch FROM now())::float8 AS at
    UNION ALL (
      SELECT key_digest, version::text, extract(epoch FROM changed_at)::float8
      FROM {schema}.credentials
      WHERE namespace = $1 AND changed_at > COALESCE(to_timestamp($2::float8), now()) - interval '${OVERLAP_SECONDS} seconds'
      LIMIT ${CHANGES + 1}
    )
    UNION ALL (
      SELECT key_digest, id::text, extract(epoch FROM deleted_at)::float8
      FROM {schema}.credential_deletions
      WHERE namespace = $1 AND deleted_at > COALESCE(to_timestamp($2::float8), now()) - interval '${OVERLAP_SECONDS} seconds'
      LIMIT ${CHANGES + 1}
    )`,
})

/**
 * Tells changes of one namespace by asking for them every `pollMilliseconds`, for databases that cannot
 * listen. Returns a function that ends it.
 *
 * Polls overlap, since a row carries the time of its statement and is seen once that is committed. A
 * poll that fails is followed by `undefined` as soon as one succeeds.
 */
export function pollForChanges(
  database: Database,
  namespace: string,
  tell: (keyDigest: string | undefined) => void,
): () => void {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let failed = false
  /** Time of the last poll, epoch seconds on the clock of the database. */
  let polledAt: number | null = null
  /** Changes that were told and may be read again, with their time. */
  const told = new Map<string, number>()

  function takeChanges(rows: readonly SqlRow[]): void {
    const digests = new Set<string>()
    for (const { key_digest: digest, mark, at } of rows) {
      if (typeof at !== 'number') continue
      if (!(digest instanceof Uint8Array)) {
        polledAt = at
        continue
      }
      const keyDigest = Buffer.from(digest).toString('base64url')
      const change = `${keyDigest} ${String(mark)}`
      if (!told.has(change)) digests.add(keyDigest)
      told.set(change, at)
    }
    for (const [change, at] of told) {
      if (polledAt !== null && at < polledAt - 2 * OVERLAP_SECONDS) told.delete(change)
    }
    if (failed || rows.length > CHANGES) tell(undefined)
    else for (const keyDigest of digests) tell(keyDigest)
    failed = false
  }

  async function poll(): Promise<void> {
    try {
      const rows = await database.query(selectChanges, [namespace, polledAt])
      if (!stopped) takeChanges(rows)
    } catch {
      failed = true
    }
    if (!stopped) timer = setTimeout(poll, database.pollMilliseconds).unref()
  }

  void poll()
  return () => {
    stopped = true
    clearTimeout(timer)
    told.clear()
  }
}
