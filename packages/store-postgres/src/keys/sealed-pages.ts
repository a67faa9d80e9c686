import { isAuthError } from '@bestviable/mcp-auth-middleware'
import type { Envelope, EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import type { Queryable, SqlRow, SqlValue } from '../database/database.js'
import { keyIdFromBytes, keyIdToBytes } from './key-id.js'
import { lowestKey, type SealedStatements } from './sealed-statements.js'
import type { SealedTable } from './sealed-tables.js'

/** A record that could not be opened. It was left as it is. */
export interface SealedRecordFailure {
  readonly table: string
  readonly namespace: string | undefined
  /** SHA-256 of the key of the record, base64url, as in audit events. */
  readonly keyDigest: string
  /** Key id that the record names. */
  readonly keyId: string
  /** `damaged`: it can be replaced or restored, not repaired. `unknown-key`: its key is not configured here. */
  readonly reason: 'damaged' | 'unknown-key'
}

/** Which rows to read. */
export interface SealedPageOptions {
  readonly batchSize: number
  readonly namespace: string | undefined
  /** Key id whose rows are left out. */
  readonly except?: string | undefined
  readonly signal?: AbortSignal | undefined
}

// Every key id has 8 bytes, so that no row is left out.
const NO_KEY_ID = new Uint8Array(0)

/**
 * Reads the rows of a table page by page in the order of the primary key. Only one page is held, and
 * rows that are changed behind the position are not read again.
 */
export async function* readSealedPages(
  database: Queryable,
  table: SealedTable,
  { page }: Pick<SealedStatements, 'page'>,
  { batchSize, namespace, except, signal }: SealedPageOptions,
): AsyncGenerator<readonly SqlRow[]> {
  const leftOut = except === undefined ? NO_KEY_ID : keyIdToBytes(except)
  const scope = namespace === undefined ? [] : [namespace]
  let position = lowestKey(table)
  for (;;) {
    signal?.throwIfAborted()
    const values: SqlValue[] = [leftOut, batchSize, ...scope, ...position]
    const rows = await database.query(page, values, { kind: 'maintenance', signal })
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    if (rows.length < batchSize) return
    // The primary key consists of the types that SealedColumn names, all of them SQL values.
    position = table.primaryKey.map(({ name }) => last[name] as SqlValue)
  }
}

/** The envelope of a row; members that are missing are refused by the codec. */
export function envelopeOf({ key_id, wrapped_key, payload }: SqlRow): Envelope {
  return {
    // Whatever the columns hold, `open` and `rewrap` check it before they use it.
    wrappedKey: { keyId: keyIdFromBytes(key_id), bytes: wrapped_key as Uint8Array },
    payload: payload as Uint8Array,
  }
}

/**
 * Opens or rewraps one row. A row that is damaged, or whose key is not configured, is a failure to
 * report; a key provider that cannot be asked ends the run.
 */
export async function tryRecord<Value>(
  table: SealedTable,
  row: SqlRow,
  codec: EnvelopeCodec,
  run: (envelope: Envelope) => Promise<Value>,
): Promise<{ readonly value: Value } | { readonly failure: SealedRecordFailure }> {
  const envelope = envelopeOf(row)
  const { keyId } = envelope.wrappedKey
  const fail = (reason: SealedRecordFailure['reason']) => ({
    failure: {
      table: table.name,
      namespace: typeof row.namespace === 'string' ? row.namespace : undefined,
      keyDigest: table.digest(row),
      keyId,
      reason,
    },
  })
  if (!codec.keyIds.includes(keyId)) return fail('unknown-key')
  try {
    return { value: await run(envelope) }
  } catch (error) {
    if (isAuthError(error) && error.code === 'ERR_STORE_INTEGRITY') return fail('damaged')
    throw error
  }
}
