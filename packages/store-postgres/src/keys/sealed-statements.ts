import type { SqlValue, Statement } from '../database/database.js'
import type { SealedColumn, SealedTable } from './sealed-tables.js'

/** The statements of one sealed table. */
export interface SealedStatements {
  /** `$1` key id to leave out, `$2` limit, `$3` namespace where {@link SealedStatements.scoped}, then the primary key of the last row. */
  readonly page: Statement
  /** `$1` current key id, then one array per column of {@link SealedStatements.rewrapColumns}. */
  readonly rewrap: Statement
  /** The columns of `rewrap` that find the row, in their order; the old key id and the new wrapped key follow. */
  readonly rewrapColumns: readonly SealedColumn[]
  /** Rows per key id; `$1` namespace where {@link SealedStatements.scoped}. */
  readonly count: Statement
  /** Whether the statements are limited to one namespace. */
  readonly scoped: boolean
}

const LOWEST: Readonly<Record<SealedColumn['type'], SqlValue>> = {
  text: '',
  bytea: new Uint8Array(0),
  uuid: '00000000-0000-0000-0000-000000000000',
}

/** A value per column of the primary key that sorts before every row. */
export function lowestKey(table: SealedTable): readonly SqlValue[] {
  return table.primaryKey.map(({ type }) => LOWEST[type])
}

function names(columns: readonly SealedColumn[]): readonly string[] {
  return columns.map(({ name }) => name)
}

/** Builds the statements of a table for one namespace or for all. */
export function sealedStatements(table: SealedTable, scoped: boolean): SealedStatements {
  const { name, primaryKey, version } = table
  const suffix = `${name}_${scoped ? 'one' : 'all'}`
  const order = names(primaryKey).join(', ')
  const columns = [...names([...primaryKey, version]), ...table.contextColumns]
  const selected = [...new Set(columns), 'key_id', 'wrapped_key', 'payload'].join(', ')
  const firstKey = scoped ? 4 : 3
  const keyParameters = primaryKey.map((_, index) => `$${firstKey + index}`).join(', ')

  const rewrapColumns = [...primaryKey, version]
  const arrays = [...rewrapColumns, { type: 'bytea' }, { type: 'bytea' }]
    .map(({ type }, index) => `$${index + 2}::${type}[]`)
    .join(', ')
  const fresh = [...names(rewrapColumns), 'old_key_id', 'fresh_wrapped_key'].join(', ')
  const same = names(rewrapColumns).map((each) => `sealed.${each} = fresh.${each}`)

  return {
    scoped,
    rewrapColumns,
    page: {
      name: `mcp_auth_page_${suffix}`,
      // The primary key gives the order, so that a page costs the same wherever it begins.
      text: `SELECT ${selected} FROM {schema}.${name}
WHERE key_id IS NOT NULL AND key_id <> $1 AND (${order}) > (${keyParameters})${scoped ? ' AND namespace = $3' : ''}
ORDER BY ${order} LIMIT $2`,
    },
    rewrap: {
      name: `mcp_auth_rewrap_${name}`,
      // One statement per batch. A row that was written or rewrapped meanwhile no longer matches.
      text: `WITH rewrapped AS (
UPDATE {schema}.${name} AS sealed SET key_id = $1, wrapped_key = fresh.fresh_wrapped_key
FROM unnest(${arrays}) AS fresh(${fresh})
WHERE ${same.join(' AND ')} AND sealed.key_id = fresh.old_key_id
RETURNING 1)
SELECT count(*) AS records FROM rewrapped`,
    },
    count: {
      name: `mcp_auth_count_${suffix}`,
      text: `SELECT key_id, count(*) AS records FROM {schema}.${name}
WHERE key_id IS NOT NULL${scoped ? ' AND namespace = $1' : ''} GROUP BY key_id`,
    },
  }
}
