import { StoreInvalidError } from '@bestviable/mcp-auth-middleware'
import type { SqlRow, Statement } from '@bestviable/mcp-auth-store-postgres'
import { revocationChannel, watchRevocations } from './revocation-feed.js'
import type { StorageSession } from './session.js'
import { requireStorable } from './storable-text.js'
import type { Revocation, RevocationStore } from './storage.js'

const ID_LENGTH = 2048
const KINDS: readonly Revocation['kind'][] = ['grant', 'token', 'user', 'client', 'key']
const POSITION = /^(\d{1,19}):(\d{1,12}(?:\.\d{1,6})?)$/

// Sorted, so that two processes that revoke the same never wait for each other.
const ADD = `INSERT INTO {schema}.revocations AS stored (kind, revoked_id, expires_at)
  SELECT kind, revoked_id, to_timestamp(expires_at)
  FROM jsonb_to_recordset($1::jsonb) AS given(kind text, revoked_id text, expires_at float8)
  ORDER BY kind, revoked_id
  ON CONFLICT (kind, revoked_id) DO UPDATE SET id = DEFAULT, added_at = clock_timestamp(),
    expires_at = greatest(stored.expires_at, excluded.expires_at)`

const addSilently: Statement = { name: 'mcp_auth_as_revocations_add', text: ADD }
const addAndNotify: Statement = {
  name: 'mcp_auth_as_revocations_add_notify',
  text: `WITH added AS (${ADD} RETURNING 1)
    SELECT pg_notify($2::text, '')::text AS notified, count(*) AS added FROM added`,
}

// The first row is the position: the highest id and the clock of the database. Rows become visible with
// their commit, not in the order of their ids, so that what was added shortly before the position is read
// again; ids alone find what was added after the clock of the database was set back.
const read: Statement = {
  name: 'mcp_auth_as_revocations_read',
  text: `SELECT NULL::text AS kind,
      (SELECT COALESCE(max(id), 0)::text FROM {schema}.revocations) AS revoked_id,
      extract(epoch FROM now())::float8 AS expires_at
    UNION ALL SELECT kind, revoked_id, extract(epoch FROM expires_at)::float8
    FROM {schema}.revocations
    WHERE expires_at > to_timestamp($1::float8) AND ($2::bigint IS NULL OR id > $2::bigint
      OR added_at > to_timestamp($3::float8) - interval '30 seconds')`,
}

function parseRevocation(row: SqlRow): Revocation[] {
  const kind = KINDS.find((each) => each === row.kind)
  // A newer release may revoke what this one does not know.
  if (kind === undefined) return []
  return [{ kind, id: String(row.revoked_id), expiresAt: Number(row.expires_at) }]
}

function toEntries(revocations: readonly Revocation[]): string {
  const entries = new Map<string, object>()
  for (const { kind, id, expiresAt } of revocations) {
    requireStorable(id, 'the id of a revocation', ID_LENGTH)
    if (!Number.isFinite(expiresAt)) throw new StoreInvalidError('expiresAt must be epoch seconds')
    const name = JSON.stringify([kind, id])
    const entry = { kind, revoked_id: id, expires_at: expiresAt }
    const known = entries.get(name)
    const isLater = known === undefined || Number(Reflect.get(known, 'expires_at')) < expiresAt
    if (isLater) entries.set(name, entry)
  }
  return JSON.stringify([...entries.values()])
}

/** Creates the store of revocations. `watches` holds what ends the watches that are under way. */
export function createRevocationStore(
  session: StorageSession,
  watches: Set<() => void>,
): RevocationStore {
  const { database } = session
  return {
    async add(revocations) {
      if (revocations.length === 0) return
      const entries = toEntries(revocations)
      if (!database.listens) await session.write(addSilently, [entries])
      else await session.write(addAndNotify, [entries, revocationChannel(database)])
    },

    async read(after) {
      const [, id, clock] = POSITION.exec(after ?? '') ?? []
      if (after !== undefined && id === undefined) {
        throw new StoreInvalidError('after must be a position that read returned')
      }
      const values = [session.now() / 1000, id ?? null, clock === undefined ? null : Number(clock)]
      const [position, ...rows] = await session.read(read, values)
      return {
        revocations: rows.flatMap(parseRevocation),
        position: `${String(position?.revoked_id)}:${Number(position?.expires_at).toFixed(6)}`,
      }
    },

    watch(onChange) {
      const end = watchRevocations(database, onChange)
      function stop(): void {
        end()
        watches.delete(stop)
      }
      watches.add(stop)
      return stop
    },
  }
}
