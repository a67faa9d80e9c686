import { authorizationServer } from './authorization-server.js'
import type { Migration } from './migration.js'
import { rateLimits } from './rate-limits.js'

/**
 * Every migration in order. Statements only add (expand); what an older release still reads or writes
 * is removed (contract) one release after its last reader at the earliest, so that replicas of two
 * releases can share the schema while they are restarted.
 */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'credentials',
    statements: [
      `CREATE TABLE {schema}.credentials (
        namespace text NOT NULL,
        key_digest bytea NOT NULL CHECK (octet_length(key_digest) = 32),
        provider text NOT NULL,
        owner_kind text NOT NULL CHECK (owner_kind IN ('service', 'user')),
        owner_issuer text,
        owner_subject text,
        version uuid NOT NULL,
        key_id bytea CHECK (octet_length(key_id) = 8),
        wrapped_key bytea,
        payload bytea,
        updated_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (namespace, key_digest),
        CONSTRAINT credentials_owner_check CHECK (
          (owner_kind = 'user') = (owner_issuer IS NOT NULL)
          AND (owner_kind = 'user') = (owner_subject IS NOT NULL)
        ),
        CONSTRAINT credentials_tombstone_check CHECK (
          (key_id IS NULL) = (wrapped_key IS NULL) AND (key_id IS NULL) = (payload IS NULL)
        )
      )`,
      'CREATE INDEX credentials_changed_at ON {schema}.credentials (namespace, changed_at)',
      'CREATE INDEX credentials_key_id ON {schema}.credentials (key_id)',
      `COMMENT ON TABLE {schema}.credentials IS
        'Credentials for upstream APIs, sealed. A row without key_id, wrapped_key and payload is a tombstone.'`,
      `COMMENT ON COLUMN {schema}.credentials.key_digest IS
        'SHA-256 of provider and owner, each with its length in front'`,
      `COMMENT ON COLUMN {schema}.credentials.version IS
        'UUIDv7 chosen by the writer and authenticated with the payload; changes on every write'`,
      `COMMENT ON COLUMN {schema}.credentials.key_id IS
        'Names the key-encryption key; not secret'`,
      `COMMENT ON COLUMN {schema}.credentials.wrapped_key IS
        'Data key, encrypted under the key-encryption key; the only secret part that rewrapping changes'`,
      `COMMENT ON COLUMN {schema}.credentials.payload IS
        'Credential, encrypted under the data key and padded'`,
      `COMMENT ON COLUMN {schema}.credentials.updated_at IS
        'Clock of the writer'`,
      `COMMENT ON COLUMN {schema}.credentials.changed_at IS
        'Clock of the database, for replicas that poll'`,

      // Append-only under a key of its own: deletes of one credential never wait for each other here.
      `CREATE TABLE {schema}.credential_deletions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        namespace text NOT NULL,
        key_digest bytea NOT NULL,
        deleted_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`,
      `CREATE INDEX credential_deletions_namespace
        ON {schema}.credential_deletions (namespace, deleted_at)`,
      `CREATE INDEX credential_deletions_deleted_at
        ON {schema}.credential_deletions (deleted_at)`,
      `COMMENT ON TABLE {schema}.credential_deletions IS
        'Deletes of the last hour, for replicas that poll; pruned by later deletes'`,

      `CREATE TABLE {schema}.leases (
        namespace text NOT NULL,
        key_digest bytea NOT NULL,
        holder uuid NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (namespace, key_digest)
      )`,
      `COMMENT ON TABLE {schema}.leases IS
        'Which process refreshes a credential now; expires_at is the clock of the database'`,

      `CREATE TABLE {schema}.encryption_keys (
        key_id bytea PRIMARY KEY CHECK (octet_length(key_id) = 8),
        check_wrapped bytea NOT NULL,
        check_payload bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`,
      `COMMENT ON TABLE {schema}.encryption_keys IS
        'A known value sealed under each key-encryption key, which tells a wrong key at the start. No keys.'`,

      `CREATE TABLE {schema}.audit_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        event text NOT NULL,
        outcome text NOT NULL,
        reason text,
        store text,
        namespace text,
        provider text,
        owner_kind text,
        key_digest bytea,
        version text,
        actor_issuer text,
        actor_subject text,
        actor_client_id text,
        details jsonb
      )`,
      'CREATE INDEX audit_events_at ON {schema}.audit_events (at)',
      'CREATE INDEX audit_events_namespace ON {schema}.audit_events (namespace, at)',
      `COMMENT ON TABLE {schema}.audit_events IS
        'Who read or changed what; written with the change itself. Never holds a credential.'`,
    ],
  },
  authorizationServer,
  rateLimits,
]
