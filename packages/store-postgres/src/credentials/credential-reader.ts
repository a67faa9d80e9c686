import type { Credential, Tombstone } from '@bestviable/mcp-auth-middleware'
import { credentialContext, restoreCredential } from '@bestviable/mcp-auth-middleware/envelope'
import { parseCredentialRow, readRow } from './credential-row.js'
import type { CredentialTable } from './credential-table.js'
import type { DigestedKey } from './key-digest.js'

/** Reads one credential in one round trip; `undefined` when there is none, or a tombstone. */
export async function readCredential(
  { database, namespace, codec }: CredentialTable,
  { key, bytes }: DigestedKey,
  signal: AbortSignal | undefined,
  timeoutMilliseconds: number | undefined,
): Promise<Credential | undefined> {
  const [row] = await database.query(
    readRow,
    [namespace, bytes],
    signal === undefined && timeoutMilliseconds === undefined
      ? undefined
      : { signal, timeoutMilliseconds },
  )
  if (row === undefined) return undefined
  const { version, updatedAt, envelope } = parseCredentialRow(row, key)
  if (envelope === undefined) return undefined
  const context = credentialContext({ store: 'postgres', namespace, key, version })
  const plaintext = await codec.open(context, envelope)
  return restoreCredential(plaintext, { version, updatedAt })
}

/** Reads one tombstone; `undefined` when a credential or nothing is stored. */
export async function readTombstone(
  { database, namespace }: CredentialTable,
  { key, bytes }: DigestedKey,
): Promise<Tombstone | undefined> {
  const [row] = await database.query(readRow, [namespace, bytes])
  if (row === undefined) return undefined
  const { version, updatedAt, envelope } = parseCredentialRow(row, key)
  return envelope === undefined ? { version, deletedAt: updatedAt } : undefined
}
