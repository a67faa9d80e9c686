import type { Statement } from '../database/database.js'
import type { BackupColumn, BackupTable } from './backup-tables.js'

// ISO 8601 with microseconds, which a Date would cut off.
const TIME_FORMAT = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`

/** Name of the column in which a row of an export has the value to go on after. */
export function orderColumn(index: number): string {
  return `order_${index}`
}

function selected({ name, type }: BackupColumn): string {
  if (type === 'timestamptz')
    return `to_char(${name} AT TIME ZONE 'UTC', ${TIME_FORMAT}) AS ${name}`
  return type === 'bytea' ? name : `${name}::text AS ${name}`
}

/** Which rows {@link selectStatement} reads. */
export interface Selection {
  /** Whether the first parameter is a namespace. */
  readonly ofNamespace: boolean
  /** Whether the next parameters are the values of the order columns to go on after. */
  readonly isNext: boolean
}

/** Reads rows of a table in its order; the last parameter is how many. */
export function selectStatement(table: BackupTable, selection: Selection): Statement {
  const { ofNamespace, isNext } = selection
  let parameter = 0
  const next = (type: string) => {
    parameter += 1
    return `$${parameter}::${type}`
  }
  const order = table.order.map(({ name }) => name).join(', ')
  const conditions: string[] = []
  if (ofNamespace) conditions.push(`namespace = ${next('text')}`)
  if (isNext)
    conditions.push(`(${order}) > (${table.order.map(({ type }) => next(type)).join(', ')})`)
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  const columns = [
    ...table.columns.map(selected),
    ...table.order.map(({ name }, index) => `${name} AS ${orderColumn(index)}`),
  ]
  // Qualified: a name alone would mean the column of the result, which is text.
  const sorted = table.order.map(({ name }) => `t.${name}`).join(', ')
  return {
    name: `backup_${table.name}${ofNamespace ? '_of' : ''}${isNext ? '_next' : ''}`,
    text: `SELECT ${columns.join(', ')} FROM {schema}.${table.name} t ${where}
      ORDER BY ${sorted} LIMIT ${next('bigint')}`,
  }
}

/** Rows as they come in one parameter: a JSON array of objects, each with its `line`. */
function given(table: BackupTable): string {
  const columns = table.columns.map(({ name }) => `${name} text`)
  return `jsonb_to_recordset($1::jsonb) AS r(line integer, ${columns.join(', ')})`
}

function converted({ name, type }: BackupColumn): string {
  if (type === 'bytea') return `decode(r.${name}, 'base64')`
  return type === 'text' ? `r.${name}` : `r.${name}::${type}`
}

/** Counts the given rows that are there already, and finds the first line among them. */
export function conflictStatement(table: BackupTable): Statement {
  const isSame = table.columns
    .filter(({ name }) => table.order.some((each) => each.name === name))
    .map((column) => `t.${column.name} = ${converted(column)}`)
  return {
    name: `backup_${table.name}_conflicts`,
    text: `SELECT count(*)::integer AS found, min(r.line) AS line
      FROM ${given(table)} JOIN {schema}.${table.name} t ON ${isSame.join(' AND ')}`,
  }
}

/** Counts the given rows that are there already with all their values, for tables without identity. */
export function equalStatement(table: BackupTable): Statement {
  return {
    name: `backup_${table.name}_equal`,
    text: `SELECT count(*)::integer AS found, min(r.line) AS line
      FROM ${given(table)} WHERE ${existsEqual(table)}`,
  }
}

function existsEqual(table: BackupTable): string {
  const isEqual = table.columns.map((column) =>
    // Plain equality can use an index.
    column.nullable === true
      ? `t.${column.name} IS NOT DISTINCT FROM ${converted(column)}`
      : `t.${column.name} = ${converted(column)}`,
  )
  return `EXISTS (SELECT 1 FROM {schema}.${table.name} t WHERE ${isEqual.join(' AND ')})`
}

/** Writes the given rows and counts those that were written. */
export function insertStatement(table: BackupTable, replaces: boolean): Statement {
  const names = table.columns.map(({ name }) => name)
  const keys = table.order.map(({ name }) => name)
  const update = names
    .filter((name) => !keys.includes(name))
    .map((name) => `${name} = EXCLUDED.${name}`)
    .concat((table.touched ?? []).map((name) => `${name} = clock_timestamp()`))
  const isAppended = table.existing === 'append'
  const action = replaces ? `(${keys.join(', ')}) DO UPDATE SET ${update.join(', ')}` : 'DO NOTHING'
  return {
    name: `backup_${table.name}_insert${replaces ? '_replace' : ''}`,
    text: `WITH written AS (
        INSERT INTO {schema}.${table.name} (${names.join(', ')})
        SELECT ${table.columns.map(converted).join(', ')} FROM ${given(table)}
        ${isAppended ? `WHERE NOT ${existsEqual(table)}` : ''}
        ORDER BY r.line
        ${isAppended ? '' : `ON CONFLICT ${action}`}
        RETURNING 1
      ) SELECT count(*)::integer AS written FROM written`,
  }
}
