import type { SqlValue, Statement } from '@bestviable/mcp-auth-store-postgres'

/** A record as it is written to `oauth_tokens`. */
export interface NewRecord {
  readonly kind: 'new'
  /** Its `recordKey`. */
  readonly key: string
  /** In the order of `COLUMNS`. */
  readonly values: readonly SqlValue[]
  /** User that is active by its being issued. */
  readonly activeUser: string | undefined
}

/** The use of a record that its transaction has locked, and knows to be unused. */
export interface SpentRecord {
  readonly kind: 'spent'
  /** Its `recordKey`. */
  readonly key: string
  /** Type, digest and epoch seconds. */
  readonly values: readonly SqlValue[]
}

/** What happens to one record. */
export type RecordChange = NewRecord | SpentRecord

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
  return `active AS (
      UPDATE {schema}.user_profiles SET last_active_at = ${now}
      WHERE user_id = ${place(USER_ID)}::text::uuid AND (last_active_at IS NULL
        OR last_active_at < ${now} - interval '1 hour')
    )`
}

/** Marks a record as used. `first`: number of the first of its values. */
function spend(first: number): string {
  return `UPDATE {schema}.oauth_tokens SET consumed_at = to_timestamp($${first + 2}::float8)
      WHERE token_type = $${first}::text AND token_id = $${first + 1}::bytea AND consumed_at IS NULL`
}

const statements = new Map<string, Statement>()

/** `active`: index of the record whose user is counted, or -1. */
function statementOf(count: number, active: number, isSpent: boolean): Statement {
  const name = `mcp_auth_as_write_${count}${active === -1 ? '' : `_active_${active}`}${isSpent ? '_spent' : ''}`
  const known = statements.get(name)
  if (known !== undefined) return known
  const spent = isSpent ? spend(count * COLUMNS.length + 1) : undefined
  const first = [
    ...(active === -1 ? [] : [activeCte(active)]),
    ...(spent === undefined ? [] : [`spent AS (${spent})`]),
  ]
  const rows = Array.from({ length: count }, (_, index) => rowOf(index))
  const columns = COLUMNS.map(([column]) => column).join(', ')
  const insert = `INSERT INTO {schema}.oauth_tokens AS stored (${columns})
      VALUES ${rows.join(', ')} ${ON_CONFLICT}`
  const text = first.length === 0 ? insert : `WITH ${first.join(', ')} ${insert}`
  const statement = { name, text: count === 0 && spent !== undefined ? spent : text }
  statements.set(name, statement)
  return statement
}

const isNew = (change: RecordChange): change is NewRecord => change.kind === 'new'

/** Tells whether a change can be made by one statement with others. */
export function fitsWith(others: readonly RecordChange[], change: RecordChange): boolean {
  // A statement sees the table as it was before all of it, so nothing may be changed twice.
  if (others.some(({ key }) => key === change.key)) return false
  if (!isNew(change)) return others.every(isNew)
  const records = others.filter(isNew)
  const { activeUser } = change
  return (
    records.length < MOST &&
    (activeUser === undefined ||
      records.every((other) => (other.activeUser ?? activeUser) === activeUser))
  )
}

/** One statement that makes changes which fit together. */
export function writeRecords(changes: readonly RecordChange[]): {
  readonly statement: Statement
  readonly values: readonly SqlValue[]
} {
  const records = changes.filter(isNew)
  const spent = changes.find((change) => !isNew(change))
  const active = records.findIndex(({ activeUser }) => activeUser !== undefined)
  return {
    statement: statementOf(records.length, active, spent !== undefined),
    values: [...records, ...(spent === undefined ? [] : [spent])].flatMap(({ values }) => values),
  }
}
