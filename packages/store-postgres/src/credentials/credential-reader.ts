import {
  type Credential,
  type CredentialKey,
  createCredential,
  type Tombstone,
} from '@bestviable/mcp-auth-middleware'
import { credentialContext, parseCredential } from '@bestviable/mcp-auth-middleware/envelope'
import { parseCredentialRow, readRow } from './credential-row.js'
import type { CredentialTable } from './credential-table.js'
import { digestBytes, digestKey } from './key-digest.js'

/** Reads one credential in one round trip; `undefined` when there is none, or a tombstone. */
export async function readCredential(
  table: CredentialTable,
  key: CredentialKey,
  signal: AbortSignal | undefined,
  timeoutMilliseconds: number | undefined,
): Promise<Credential | undefined> {
  const { database, namespace, codec } = table
  const [row] = await database.query(
    readRow,
    [namespace, digestBytes(digestKey(key))],
    signal === undefined && timeoutMilliseconds === undefined
      ? undefined
      : { signal, timeoutMilliseconds },
  )
  if (row === undefined) return undefined
  const { version, updatedAt, envelope } = parseCredentialRow(row, key)
  if (envelope === undefined) return undefined
  const context = credentialContext({ store: 'postgres', namespace, key, version })
  const plaintext = await codec.open(context, envelope)
  return createCredential(parseCredential(plaintext), { version, updatedAt })
}

/** Reads one tombstone; `undefined` when a credential or nothing is stored. */
export async function readTombstone(
  { database, namespace }: CredentialTable,
  key: CredentialKey,
): Promise<Tombstone | undefined> {
  const [row] = await database.query(readRow, [namespace, digestBytes(digestKey(key))])
  if (row === undefined) return undefined
  const { version, updatedAt, envelope } = parseCredentialRow(row, key)
  return envelope === undefined ? { version, deletedAt: updatedAt } : undefined
}
