import { CodaReplyError } from './coda-reply.js'
import type { SampleRow } from './sample-data.js'

/** A token for the state of a table at a time, in epoch milliseconds. */
export function formatSyncToken(at: number): string {
  return `sync-${at}`
}

/** Rows that were changed after the token was made. Deleted rows cannot appear, as in Coda. */
export function changedSince(
  rows: readonly SampleRow[],
  syncToken: string | undefined,
): readonly SampleRow[] {
  if (syncToken === undefined) return rows
  const at = /^sync-(\d{1,16})$/.exec(syncToken)?.[1]
  if (at === undefined) throw new CodaReplyError(400, 'Invalid sync token.')
  return rows.filter(({ updatedAt }) => Date.parse(updatedAt) > Number(at))
}
