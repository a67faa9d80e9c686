import type { BackupColumn, BackupTable } from './backup-tables.js'

const SEALED: readonly BackupColumn[] = [
  { name: 'version', type: 'uuid' },
  { name: 'key_id', type: 'bytea', bytes: 8 },
  { name: 'wrapped_key', type: 'bytea' },
  { name: 'payload', type: 'bytea' },
]

// One schema has one authorization server, which serves all of its namespaces.
const whole = { hasNamespace: false, isWholeOnly: true } as const

/** What belongs to the authorization server. A backup of one namespace leaves it out. */
export const authorizationServerBackupTables: readonly BackupTable[] = [
  {
    ...whole,
    name: 'user_profiles',
    columns: [
      { name: 'user_id', type: 'uuid' },
      { name: 'email', type: 'text', nullable: true },
      { name: 'name', type: 'text', nullable: true },
      { name: 'picture', type: 'text', nullable: true },
      { name: 'provider', type: 'text', nullable: true },
      { name: 'provider_issuer', type: 'text', nullable: true },
      { name: 'provider_user_id', type: 'text', nullable: true },
      { name: 'status', type: 'text' },
      { name: 'role', type: 'text' },
      { name: 'created_at', type: 'timestamptz' },
      { name: 'last_login_at', type: 'timestamptz', nullable: true },
      { name: 'last_active_at', type: 'timestamptz', nullable: true },
      { name: 'updated_at', type: 'timestamptz' },
    ],
    order: [{ name: 'user_id', type: 'uuid' }],
    existing: 'ask',
    problem(row) {
      if (!['active', 'suspended', 'invited'].includes(String(row.status))) {
        return 'the status of the user is not one of this release'
      }
      if (!['admin', 'user'].includes(String(row.role))) {
        return 'the role of the user is not one of this release'
      }
      const identity = [row.provider, row.provider_issuer, row.provider_user_id]
      const parts = identity.filter((each) => each !== null).length
      return parts % 3 === 0 ? undefined : 'the identity of the user is incomplete'
    },
  },
  {
    ...whole,
    name: 'oauth_clients',
    columns: [
      { name: 'client_id', type: 'text' },
      { name: 'client_name', type: 'text', nullable: true },
      { name: 'redirect_uris', type: 'jsonb' },
      { name: 'grant_types', type: 'jsonb' },
      { name: 'origin', type: 'text' },
      { name: 'active', type: 'boolean' },
      { name: 'created_at', type: 'timestamptz' },
      { name: 'last_used_at', type: 'timestamptz', nullable: true },
      ...SEALED,
    ],
    order: [{ name: 'client_id', type: 'text' }],
    existing: 'ask',
    problem(row) {
      const isKnown = row.origin === 'dynamic' || row.origin === 'registered'
      return isKnown ? undefined : 'the origin of the client is not one of this release'
    },
  },
  {
    ...whole,
    name: 'oauth_tokens',
    columns: [
      { name: 'token_type', type: 'text' },
      { name: 'token_id', type: 'bytea', bytes: 32 },
      { name: 'client_id', type: 'text', nullable: true },
      { name: 'user_id', type: 'text', nullable: true },
      { name: 'grant_id', type: 'bytea', nullable: true, bytes: 32 },
      { name: 'uid', type: 'bytea', nullable: true, bytes: 32 },
      { name: 'user_code', type: 'bytea', nullable: true, bytes: 32 },
      { name: 'expires_at', type: 'timestamptz', nullable: true },
      { name: 'consumed_at', type: 'timestamptz', nullable: true },
      { name: 'created_at', type: 'timestamptz' },
      ...SEALED,
    ],
    order: [
      { name: 'token_type', type: 'text' },
      { name: 'token_id', type: 'bytea' },
    ],
    existing: 'ask',
  },
  {
    ...whole,
    name: 'signing_keys',
    columns: [
      { name: 'kid', type: 'text' },
      { name: 'algorithm', type: 'text' },
      { name: 'state', type: 'text' },
      { name: 'created_at', type: 'timestamptz' },
      { name: 'signs_from', type: 'timestamptz' },
      { name: 'remove_at', type: 'timestamptz', nullable: true },
      ...SEALED,
    ],
    order: [{ name: 'kid', type: 'text' }],
    existing: 'ask',
    problem(row) {
      const isKnown = ['pending', 'active', 'retired'].includes(String(row.state))
      return isKnown ? undefined : 'the state of the signing key is not one of this release'
    },
  },
  {
    ...whole,
    name: 'revocations',
    columns: [
      { name: 'kind', type: 'text' },
      { name: 'revoked_id', type: 'text' },
      { name: 'expires_at', type: 'timestamptz' },
    ],
    order: [
      { name: 'kind', type: 'text' },
      { name: 'revoked_id', type: 'text' },
    ],
    // One that is there already revokes the same.
    existing: 'keep',
    problem(row) {
      const isKnown = ['grant', 'token', 'user', 'client', 'key'].includes(String(row.kind))
      return isKnown ? undefined : 'the kind of the revocation is not one of this release'
    },
  },
]
