import { randomUUID } from 'node:crypto'
import {
  type CredentialKey,
  type Lease,
  StoreInvalidError,
  StoreUnavailableError,
} from '@bestviable/mcp-auth-middleware'
import type { Statement } from '../database/database.js'
import type { CredentialTable } from './credential-table.js'
import { digestBytes, digestKey } from './key-digest.js'

const MAXIMUM_SECONDS = 300

// Only the clock of the database counts: those of two replicas may differ by more than a lease.
const takeLease: Statement = Object.freeze({
  name: 'mcp_auth_lease_take',
  text: `INSERT INTO {schema}.leases AS held (namespace, key_digest, holder, expires_at)
    VALUES ($1::text, $2::bytea, $3::uuid, clock_timestamp() + $4::float8 * interval '1 second')
    ON CONFLICT (namespace, key_digest) DO UPDATE
      SET holder = excluded.holder,
        expires_at = clock_timestamp() + $4::float8 * interval '1 second'
      WHERE held.expires_at <= clock_timestamp()
    RETURNING extract(epoch FROM expires_at)::float8 AS expires_at`,
})

const releaseLease: Statement = Object.freeze({
  name: 'mcp_auth_lease_release',
  text: `DELETE FROM {schema}.leases
    WHERE namespace = $1::text AND key_digest = $2::bytea AND holder = $3::uuid`,
})

/** Takes the lease of one key in one statement; `undefined` while another holder has it. */
export async function leaseCredential(
  { database, namespace }: CredentialTable,
  key: CredentialKey,
  ttlSeconds: number,
): Promise<Lease | undefined> {
  if (!(ttlSeconds > 0 && ttlSeconds <= MAXIMUM_SECONDS)) {
    throw new StoreInvalidError(`ttlSeconds must be more than 0 and at most ${MAXIMUM_SECONDS}`)
  }
  const digest = digestBytes(digestKey(key))
  const holder = randomUUID()
  const options = { kind: 'write' } as const
  const [row] = await database.query(takeLease, [namespace, digest, holder, ttlSeconds], options)
  if (row === undefined) return undefined
  const { expires_at: expiresAt } = row
  if (typeof expiresAt !== 'number') throw new StoreUnavailableError('the lease has no end')

  let released: Promise<unknown> | undefined
  return Object.freeze({
    expiresAt,
    async release() {
      released ??= database.query(releaseLease, [namespace, digest, holder], options)
      await released
    },
  })
}
