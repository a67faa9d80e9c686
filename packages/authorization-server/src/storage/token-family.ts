import { digestId } from '@bestviable/mcp-auth-store-postgres'
import { findTokens, TOKENS } from './record-statements.js'
import { recordKey } from './record-store.js'
import type { Known, StorageSession } from './session.js'
import { isStorable } from './storable-text.js'
import type { TokenFamily } from './storage.js'

/**
 * Reads by one statement the tokens that have one of some ids, with what belongs to them, and tells what is
 * known from it: also of what was not found.
 */
export async function readTokenFamily(
  session: StorageSession,
  { ids, clientId }: TokenFamily,
): Promise<Known> {
  const digests = ids.map(digestId)
  const client = isStorable(clientId) ? clientId : null
  const rows = await session.read(findTokens, [digests, client, session.now() / 1000])
  const known: Known = new Map()
  for (const digest of digests) {
    for (const model of TOKENS) known.set(recordKey(model, digest), undefined)
  }
  if (client !== null) known.set(recordKey('Client', Buffer.from(client)), undefined)
  for (const row of rows) {
    const { token_type: type, token_id: id } = row
    if (id instanceof Uint8Array) known.set(recordKey(String(type), id), row)
  }
  return known
}
