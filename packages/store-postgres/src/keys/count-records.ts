import type { Queryable } from '../database/database.js'
import { keyIdFromBytes } from './key-id.js'
import { sealedStatements } from './sealed-statements.js'
import { sealedTablesOf } from './sealed-tables.js'

/** Counts the sealed records under each key id, over all sealed tables or those of one namespace. */
export async function countRecords(
  database: Queryable,
  namespace?: string | undefined,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const scope = namespace === undefined ? [] : [namespace]
  for (const table of sealedTablesOf(namespace)) {
    const { count } = sealedStatements(table, namespace !== undefined)
    for (const row of await database.query(count, scope, { kind: 'maintenance' })) {
      const keyId = keyIdFromBytes(row.key_id)
      counts.set(keyId, (counts.get(keyId) ?? 0) + Number(row.records))
    }
  }
  return counts
}
