import type { SqlRow, SqlValue } from '../database/database.js'
import type { PgliteInstance } from './load-pglite.js'

const BYTEA = 17
const INT8 = 20

type QueryArguments = Parameters<PgliteInstance['query']>

const asText = (text: string) => text

/** Bytes in hex with their prefix, as PostgreSQL writes and reads `bytea`. */
function formatBytes(value: unknown): string {
  if (typeof value === 'string') return value
  if (!(value instanceof Uint8Array)) throw new TypeError('bytea takes bytes')
  return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
}

// PGlite reads `bigint` as a number where it fits. Both engines answer with the same types.
const OPTIONS: NonNullable<QueryArguments[2]> = {
  parsers: { [BYTEA]: (text) => Buffer.from(text.slice(2), 'hex'), [INT8]: asText },
  serializers: { [BYTEA]: formatBytes },
}

/** Runs one statement on PGlite or in its transaction, with the types of {@link SqlRow}. */
export async function queryPglite(
  target: Pick<PgliteInstance, 'query'>,
  text: string,
  values: readonly SqlValue[],
): Promise<readonly SqlRow[]> {
  const { rows } = await target.query<SqlRow>(text, [...values], OPTIONS)
  return rows
}
