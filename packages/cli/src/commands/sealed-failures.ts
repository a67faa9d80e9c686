import type { SealedRecordFailure } from '@bestviable/mcp-auth-store-postgres'
import { CommandFailure } from '../failure.js'

/** How many records are named on a terminal; JSON has all of them. */
const SHOWN = 20

/** One line per record that could not be opened. Nothing in it is secret. */
export function formatSealedFailures(failed: readonly SealedRecordFailure[]): readonly string[] {
  const lines = failed
    .slice(0, SHOWN)
    .map(
      ({ table, namespace = '-', keyDigest, keyId, reason }) =>
        `${reason}: ${table}, namespace ${namespace}, record ${keyDigest}, key ${keyId}`,
    )
  if (failed.length > SHOWN) lines.push(`… and ${failed.length - SHOWN} more; --json lists them`)
  return lines
}

/**
 * Ends the command when records could not be opened.
 *
 * @throws {@link CommandFailure} with 5 for damage, with 3 when only keys are missing here.
 */
export function requireSound(failed: readonly SealedRecordFailure[]): void {
  const damaged = failed.filter(({ reason }) => reason === 'damaged').length
  if (damaged > 0) {
    throw new CommandFailure(
      'integrity',
      `${damaged} records are damaged; restore them from a backup, or delete and store them again`,
    )
  }
  if (failed.length > 0) {
    throw new CommandFailure(
      'configuration',
      `${failed.length} records are under keys that are not in MCP_AUTH_ENCRYPTION_KEYS; add those keys`,
    )
  }
}
