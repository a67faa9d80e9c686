-- Runs once, as superuser, when PostgreSQL makes its data folder: the image of PostgreSQL does that.
-- One role owns the tables and changes them, and another one is that of the server, which owns nothing.
\set ON_ERROR_STOP on
\set owner_password `cat /run/secrets/database_owner_password`
\set server_password `cat /run/secrets/database_password`

CREATE ROLE coda_mcp_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'owner_password';
CREATE ROLE coda_mcp LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'server_password';

REVOKE ALL ON DATABASE coda_mcp, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE coda_mcp TO coda_mcp_owner, coda_mcp;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA mcp_auth AUTHORIZATION coda_mcp_owner;
