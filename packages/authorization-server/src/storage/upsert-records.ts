import type { SqlValue, Statement } from '@bestviable/mcp-auth-store-postgres'

/** A record as it is written to `oauth_tokens`. */
export interface NewRecord {
  /** Its `recordKey`. */
  readonly key: string
  /** In the order of `COLUMNS`. */
  readonly values: readonly SqlValue[]
  /** User that is active by its being issued. */
  readonly activeUser: string | undefined
}

const COLUMNS = [
  ['token_type', 'text'],
  ['token_id', 'bytea'],
  ['client_id', 'text'],
  ['user_id', 'text'],
  ['grant_id', 'bytea'],
  ['uid', 'bytea'],
  ['user_code', 'bytea'],
  ['expires_at', 'time'],
  ['consumed_at', 'time'],
  ['created_at', 'time'],
  ['version', 'uuid'],
  ['key_id', 'bytea'],
  ['wrapped_key', 'bytea'],
  ['payload', 'bytea'],
] as const
const CREATED_AT = 9
const USER_ID = 3
const MOST = 4

const REPLACED = COLUMNS.map(([name]) => name).filter(
  (name) => !['token_type', 'token_id', 'consumed_at', 'created_at'].includes(name),
)

// What was used stays used, whatever the writer had read; only an expired record begins anew.
const ON_CONFLICT = `ON CONFLICT (token_type, token_id) DO UPDATE SET
    ${REPLACED.map((name) => `${name} = excluded.${name}`).join(', ')},
    consumed_at = CASE WHEN stored.expires_at <= excluded.created_at THEN excluded.consumed_at
      ELSE COALESCE(stored.consumed_at, excluded.consumed_at) END`

/** The values of one row, in the order of `COLUMNS`. */
function valuesOf(index: number): readonly string[] {
  return COLUMNS.map(([, type], column) => {
    const place = index * COLUMNS.length + column + 1
    return type === 'time' ? `to_timestamp($${place}::float8)` : `$${place}::${type}`
  })
}

function rowOf(index: number): string {
  return `(${valuesOf(index).join(', ')})`
}

function createReplace(): Statement {
  const values = valuesOf(0)
  const changes = COLUMNS.flatMap(([name], column) =>
    name === 'token_type' || name === 'created_at'
      ? []
      : name === 'consumed_at'
        ? [`consumed_at = COALESCE(consumed_at, ${values[column]})`]
        : [`${name} = ${values[column]}`],
  )
  return {
    name: 'mcp_auth_as_replace',
    text: `UPDATE {schema}.oauth_tokens SET ${changes.join(', ')}
      WHERE token_type = $1::text AND token_id = $${COLUMNS.length + 1}::bytea
        AND (expires_at IS NULL OR expires_at > ${values[CREATED_AT]})
      RETURNING 1 AS replaced`,
  }
}

/** The values of a `NewRecord`, and the digest of the record that gives way to it. */
export const replaceRecord: Statement = createReplace()

/** Counts the user of one row as active, to the hour. */
function activeCte(index: number): string {
  const place = (column: number) => `$${index * COLUMNS.length + column + 1}`
  const now = `to_timestamp(${place(CREATED_AT)}::float8)`
  return `WITH active AS (
      UPDATE {schema}.user_profiles SET last_active_at = ${now}
      WHERE user_id = ${place(USER_ID)}::text::uuid AND (last_active_at IS NULL
        OR last_active_at < ${now} - interval '1 hour')
    ) `
}

const statements = new Map<string, Statement>()

function statementOf(count: number, active: number): Statement {
  const name = `mcp_auth_as_upsert_${count}${active === -1 ? '' : `_active_${active}`}`
  const known = statements.get(name)
  if (known !== undefined) return known
  const rows = Array.from({ length: count }, (_, index) => rowOf(index))
  const columns = COLUMNS.map(([column]) => column).join(', ')
  const statement = {
    name,
    text: `${active === -1 ? '' : activeCte(active)}INSERT INTO {schema}.oauth_tokens AS stored
      (${columns}) VALUES ${rows.join(', ')} ${ON_CONFLICT}`,
  }
  statements.set(name, statement)
  return statement
}

/** Tells whether a record can be written by one statement with others. */
export function fitsWith(others: readonly NewRecord[], { key, activeUser }: NewRecord): boolean {
  return (
    others.length < MOST &&
    others.every(
      (other) =>
        other.key !== key &&
        (activeUser === undefined || (other.activeUser ?? activeUser) === activeUser),
    )
  )
}

/** One statement that creates or replaces records. */
export function upsertRecords(records: readonly NewRecord[]): {
  readonly statement: Statement
  readonly values: readonly SqlValue[]
} {
  const active = records.findIndex(({ activeUser }) => activeUser !== undefined)
  return {
    statement: statementOf(records.length, active),
    values: records.flatMap(({ values }) => values),
  }
}
