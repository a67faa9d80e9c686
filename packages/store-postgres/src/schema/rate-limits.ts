import type { Migration } from './migration.js'

/** Counters of the authorization server's rate limits. */
export const rateLimits: Migration = {
  version: 3,
  name: 'rate_limits',
  statements: [
    `CREATE TABLE {schema}.rate_limits (
      limit_key bytea PRIMARY KEY CHECK (octet_length(limit_key) = 32),
      points integer NOT NULL,
      expires_at timestamptz NOT NULL
    )`,
    'CREATE INDEX rate_limits_expires_at ON {schema}.rate_limits (expires_at)',
    `COMMENT ON TABLE {schema}.rate_limits IS
      'How often something was tried lately. Rows may be deleted at any time, which resets their limits.'`,
    `COMMENT ON COLUMN {schema}.rate_limits.limit_key IS
      'Keyed hash of the limit and of whom it counts, for example a network address'`,
    `COMMENT ON COLUMN {schema}.rate_limits.expires_at IS 'End of the window, clock of the database'`,
  ],
}
