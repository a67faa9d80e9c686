-- Runs as coda_mcp_owner after each migration. What the server may do, and nothing else:
-- docs/reference/database-schema.md says what each table is.
\set ON_ERROR_STOP on
BEGIN;
GRANT USAGE ON SCHEMA mcp_auth TO coda_mcp;
GRANT SELECT ON mcp_auth.schema_migrations TO coda_mcp;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON mcp_auth.credentials, mcp_auth.credential_deletions, mcp_auth.leases TO coda_mcp;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON mcp_auth.user_profiles, mcp_auth.oauth_clients, mcp_auth.oauth_tokens,
    mcp_auth.signing_keys, mcp_auth.revocations, mcp_auth.rate_limits TO coda_mcp;
GRANT SELECT, INSERT ON mcp_auth.encryption_keys TO coda_mcp;
-- Reads for /account, and removes what is older than 90 days. An entry cannot be changed.
GRANT SELECT, INSERT, DELETE ON mcp_auth.audit_events TO coda_mcp;
COMMIT;
