import type { Migration } from './migration.js'

/** Tables of the authorization server. */
export const authorizationServer: Migration = {
  version: 2,
  name: 'authorization_server',
  statements: [
    `CREATE TABLE {schema}.user_profiles (
      user_id uuid PRIMARY KEY,
      email text,
      name text,
      picture text,
      provider text,
      provider_issuer text,
      provider_user_id text,
      status text NOT NULL CHECK (status IN ('active', 'suspended', 'invited')),
      role text NOT NULL CHECK (role IN ('admin', 'user')),
      created_at timestamptz NOT NULL,
      last_login_at timestamptz,
      last_active_at timestamptz,
      updated_at timestamptz NOT NULL,
      CONSTRAINT user_profiles_identity_check CHECK (
        (provider_user_id IS NULL) = (provider_issuer IS NULL)
        AND (provider_user_id IS NULL) = (provider IS NULL)
        AND (provider_user_id IS NOT NULL OR (email IS NOT NULL AND status <> 'active'))
        AND (provider_user_id IS NULL OR status <> 'invited')
      )
    )`,
    `CREATE UNIQUE INDEX user_profiles_identity
      ON {schema}.user_profiles (provider_issuer, provider_user_id)`,
    `CREATE UNIQUE INDEX user_profiles_invitation
      ON {schema}.user_profiles (email) WHERE provider_user_id IS NULL`,
    `COMMENT ON TABLE {schema}.user_profiles IS
      'Who may sign in. A row with an e-mail and no provider_user_id is an invitation.'`,
    `COMMENT ON COLUMN {schema}.user_profiles.user_id IS 'The sub of access tokens'`,
    `COMMENT ON COLUMN {schema}.user_profiles.email IS
      'Verified by the provider and normalised; not unique, and never the identity'`,
    `COMMENT ON COLUMN {schema}.user_profiles.provider_issuer IS
      'Issuer of the identity; with provider_user_id it is the identity'`,
    `COMMENT ON COLUMN {schema}.user_profiles.last_active_at IS
      'Last issue of a token, to the hour'`,

    `CREATE TABLE {schema}.oauth_clients (
      client_id text PRIMARY KEY,
      client_name text,
      redirect_uris jsonb NOT NULL,
      grant_types jsonb NOT NULL,
      origin text NOT NULL CHECK (origin IN ('dynamic', 'registered')),
      active boolean NOT NULL DEFAULT true,
      created_at timestamptz NOT NULL,
      last_used_at timestamptz,
      version uuid NOT NULL,
      key_id bytea NOT NULL CHECK (octet_length(key_id) = 8),
      wrapped_key bytea NOT NULL,
      payload bytea NOT NULL
    )`,
    // Finds what is unused in the order in which it is removed.
    `CREATE INDEX oauth_clients_unused
      ON {schema}.oauth_clients (COALESCE(last_used_at, created_at)) WHERE origin = 'dynamic'`,
    `COMMENT ON TABLE {schema}.oauth_clients IS
      'Clients that registered themselves or were registered by an operator'`,
    `COMMENT ON COLUMN {schema}.oauth_clients.origin IS
      'dynamic (RFC 7591): removed when unused. registered: by an operator.'`,
    `COMMENT ON COLUMN {schema}.oauth_clients.payload IS
      'All client metadata, encrypted under the data key and padded; the other columns are for reading'`,

    `CREATE TABLE {schema}.oauth_tokens (
      token_type text NOT NULL,
      token_id bytea NOT NULL CHECK (octet_length(token_id) = 32),
      client_id text,
      user_id text,
      grant_id bytea CHECK (octet_length(grant_id) = 32),
      uid bytea CHECK (octet_length(uid) = 32),
      user_code bytea CHECK (octet_length(user_code) = 32),
      expires_at timestamptz,
      consumed_at timestamptz,
      active boolean GENERATED ALWAYS AS (consumed_at IS NULL) STORED,
      created_at timestamptz NOT NULL,
      version uuid NOT NULL,
      key_id bytea NOT NULL CHECK (octet_length(key_id) = 8),
      wrapped_key bytea NOT NULL,
      payload bytea NOT NULL,
      PRIMARY KEY (token_type, token_id)
    )`,
    `CREATE INDEX oauth_tokens_grant_id
      ON {schema}.oauth_tokens (grant_id) WHERE grant_id IS NOT NULL`,
    `CREATE INDEX oauth_tokens_client_id
      ON {schema}.oauth_tokens (client_id) WHERE client_id IS NOT NULL`,
    `CREATE INDEX oauth_tokens_user_id
      ON {schema}.oauth_tokens (user_id) WHERE user_id IS NOT NULL`,
    'CREATE INDEX oauth_tokens_uid ON {schema}.oauth_tokens (uid) WHERE uid IS NOT NULL',
    `CREATE INDEX oauth_tokens_user_code
      ON {schema}.oauth_tokens (user_code) WHERE user_code IS NOT NULL`,
    `CREATE INDEX oauth_tokens_expires_at
      ON {schema}.oauth_tokens (expires_at) WHERE expires_at IS NOT NULL`,
    `COMMENT ON TABLE {schema}.oauth_tokens IS
      'Codes, tokens, grants, sessions and interactions. No id stands here, only its digest.'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.token_type IS
      'Model of the engine, for example RefreshToken'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.token_id IS 'SHA-256 of the code, token or id'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.grant_id IS 'SHA-256 of the id of the grant'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.uid IS 'SHA-256 of the uid of a session'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.user_code IS 'SHA-256 of a user code'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.consumed_at IS
      'First use of what can be used once; only one request sets it'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.version IS
      'Chosen by the writer and authenticated with the payload; changes on every write'`,
    `COMMENT ON COLUMN {schema}.oauth_tokens.payload IS
      'The record without its id, encrypted under the data key and padded'`,

    `CREATE TABLE {schema}.signing_keys (
      kid text PRIMARY KEY,
      algorithm text NOT NULL,
      state text NOT NULL CHECK (state IN ('pending', 'active', 'retired')),
      created_at timestamptz NOT NULL,
      signs_from timestamptz NOT NULL,
      remove_at timestamptz,
      version uuid NOT NULL,
      key_id bytea NOT NULL CHECK (octet_length(key_id) = 8),
      wrapped_key bytea NOT NULL,
      payload bytea NOT NULL
    )`,
    `COMMENT ON TABLE {schema}.signing_keys IS 'Keys that sign access tokens, sealed'`,
    `COMMENT ON COLUMN {schema}.signing_keys.kid IS 'As published in the JWK Set'`,
    `COMMENT ON COLUMN {schema}.signing_keys.payload IS
      'Algorithm and private JWK, encrypted under the data key and padded'`,
    `COMMENT ON COLUMN {schema}.signing_keys.remove_at IS
      'When the last token of a retired key has expired'`,

    `CREATE TABLE {schema}.revocations (
      kind text NOT NULL CHECK (kind IN ('grant', 'token', 'user', 'client', 'key')),
      revoked_id text NOT NULL,
      id bigint GENERATED ALWAYS AS IDENTITY,
      expires_at timestamptz NOT NULL,
      added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (kind, revoked_id)
    )`,
    'CREATE INDEX revocations_id ON {schema}.revocations (id)',
    'CREATE INDEX revocations_added_at ON {schema}.revocations (added_at)',
    'CREATE INDEX revocations_expires_at ON {schema}.revocations (expires_at)',
    `COMMENT ON TABLE {schema}.revocations IS
      'What was revoked before it expired; every replica holds it in memory'`,
    `COMMENT ON COLUMN {schema}.revocations.revoked_id IS
      'Grant id, jti, user id, client id or kid; none of them is a credential'`,
    `COMMENT ON COLUMN {schema}.revocations.id IS 'New with every change, for replicas that read on'`,
    `COMMENT ON COLUMN {schema}.revocations.added_at IS 'Clock of the database'`,
  ],
}
