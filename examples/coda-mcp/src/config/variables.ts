import * as z from 'zod'
import { defaultCodaBaseUrl } from '../coda/base-url.js'
import {
  documentationOfSchema,
  optional,
  type VariableDocumentation,
  withDefault,
} from './documented-variable.js'
import * as format from './formats.js'
import { userTokenVariable } from './user-token-variable.js'

/** Every variable that this server reads, with its format. */
export const Environment = z.object({
  PORT: withDefault(format.integer(1, 65_535), '8080', {
    format: '1 to 65535',
    purpose: 'Port to listen on',
  }),
  HOST: withDefault(format.hostName, '127.0.0.1', {
    format: 'address',
    purpose: 'Address to listen on; 0.0.0.0 in a container',
  }),
  NODE_ENV: withDefault(format.oneOf('development', 'test', 'production'), 'development', {
    format: 'development, test or production',
    purpose: 'Never weakens a check',
  }),
  LOG_LEVEL: withDefault(
    format.oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    { format: 'fatal, error, warn, info, debug, trace or silent', purpose: 'Least level to log' },
  ),
  DATA_DIR: withDefault(format.text, '.data', {
    format: 'path',
    purpose: 'Directory for local state: the embedded database and its key file',
  }),
  PUBLIC_URL: optional(format.publicUrl, {
    format: 'https URL without /mcp',
    purpose:
      'Required off loopback: where clients reach the server; the connector URL is this plus /mcp',
  }),
  OAUTH_SERVER_URL: optional(format.publicUrl, {
    format: 'https URL without /mcp',
    purpose: 'Other name of PUBLIC_URL',
  }),
  TRUST_PROXY: optional(format.trustProxy, {
    format: 'number of proxies, or their addresses with commas',
    purpose: 'Whose X-Forwarded-For to believe, for rate limits; never decides a URL',
  }),
  ALLOWED_ORIGINS: optional(format.origins, {
    format: 'origins with commas',
    purpose: 'Browser origins that may call; replaces the default rule',
  }),
  MCP_RATE_LIMIT: withDefault(format.integer(0, 1_000_000), '600', {
    format: '0 to 1000000',
    purpose:
      'Requests to /mcp within a minute by one caller through one client, and twice as many through all of them; 0 is no limit',
  }),
  MCP_REFUSAL_LIMIT: withDefault(format.integer(0, 1_000_000), '300', {
    format: '0 to 1000000',
    purpose:
      'Requests to /mcp from one address that are refused within a minute, before refusals become 429; good tokens pass all the same; 0 is no limit',
  }),
  METRICS_PORT: withDefault(format.integer(0, 65_535), '9464', {
    format: '0 to 65535',
    purpose: 'Port of its own for GET /metrics; 0 turns it off; never publish it',
  }),
  METRICS_HOST: withDefault(format.hostName, '127.0.0.1', {
    format: 'address',
    purpose:
      'Address of METRICS_PORT; 0.0.0.0 in a container that Prometheus reads from outside. Whoever reaches it can read',
  }),
  DRAIN_SECONDS: withDefault(format.integer(1, 600), '25', {
    format: '1 to 600',
    purpose: 'Longest time between SIGTERM and exit',
  }),
  READ_ONLY: withDefault(format.flag, 'false', {
    format: 'true or false',
    purpose: 'Leaves out every tool that changes something',
  }),
  CODA_API_TOKEN: optional(format.text, {
    format: 'Coda API token',
    purpose:
      'Required with TOKEN_STORE=env and CODA_CREDENTIALS=service, except on a first run, which uses sample docs',
    file: true,
  }),
  CODA_API_BASE_URL: withDefault(format.codaBaseUrl, defaultCodaBaseUrl, {
    format: 'https URL',
    purpose: 'Where the Coda API is',
  }),
  CODA_CREDENTIALS: withDefault(format.oneOf('service', 'user'), 'service', {
    format: 'service or user',
    purpose: 'One Coda account for every caller, or one for each',
  }),
  TOKEN_STORE: withDefault(format.oneOf('env', 'postgres', 'infisical'), 'env', {
    format: 'env, postgres or infisical',
    purpose: 'Where Coda tokens are kept',
  }),
  TOKEN_STORE_FROM: optional(format.oneOf('env', 'postgres', 'infisical'), {
    format: 'env, postgres or infisical',
    purpose: 'During a migration: the store that TOKEN_STORE replaces, with TOKEN_STORE_MODE',
  }),
  TOKEN_STORE_MODE: optional(format.oneOf('dual-write', 'read-new'), {
    format: 'dual-write or read-new',
    purpose:
      'During a migration: dual-write reads TOKEN_STORE_FROM and writes both; read-new reads TOKEN_STORE first and writes only there',
  }),
  STORE_OUTAGE_SECONDS: withDefault(format.integer(0, 86_400), '300', {
    format: '0 to 86400',
    purpose: 'How long a Coda token that was read before is used while the store does not answer',
  }),
  DATABASE_URL: optional(format.databaseUrl, {
    format: 'postgres URL',
    purpose:
      'Database of the embedded authorization server and of the postgres store; without it, on loopback, one is embedded in DATA_DIR',
    file: true,
  }),
  MCP_AUTH_ENCRYPTION_KEYS: optional(format.encryptionKeys, {
    format: 'keys of 32 bytes in base64 with commas, the current one first',
    purpose:
      'Required with DATABASE_URL: seals what is stored; the embedded database makes a key file instead',
    file: true,
  }),
  MCP_AUTH_NAMESPACE: withDefault(format.storeName, 'default', {
    format: 'letters, digits, - and _',
    purpose: 'Separates servers that share a database or an Infisical project',
  }),
  MCP_AUTH_SCHEMA: withDefault(format.schemaName, 'mcp_auth', {
    format: 'lower-case letters, digits and _',
    purpose: 'Schema of the tables in the database',
  }),
  INFISICAL_SITE_URL: withDefault(format.siteUrl, 'https://app.infisical.com', {
    format: 'https URL',
    purpose: 'Where Infisical is',
  }),
  INFISICAL_CLIENT_ID: optional(format.text, {
    format: 'id',
    purpose: 'Required for the infisical store: machine identity with universal auth',
  }),
  INFISICAL_CLIENT_SECRET: optional(format.text, {
    format: 'secret',
    purpose: 'Required for the infisical store',
    file: true,
  }),
  INFISICAL_PROJECT_ID: optional(format.text, {
    format: 'id',
    purpose: 'Required for the infisical store',
  }),
  INFISICAL_ENVIRONMENT: withDefault(format.text, 'prod', {
    format: 'slug',
    purpose: 'Environment of the project',
  }),
  INFISICAL_PATH: withDefault(format.folderPath, '/mcp-auth', {
    format: 'path',
    purpose: 'Folder below which the namespace has its own',
  }),
  OAUTH_PROVIDER: optional(format.oneOf('google', 'microsoft', 'cognito', 'oidc'), {
    format: 'google, microsoft, cognito or oidc',
    purpose:
      'Way in: the embedded authorization server, where people sign in at this provider; with OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET',
  }),
  OAUTH_ISSUER: optional(format.issuer, {
    format: 'https URL',
    purpose:
      'Required for cognito and oidc: issuer of the provider; for microsoft that of one directory, in place of ALLOWED_TENANTS',
  }),
  OAUTH_CLIENT_ID: optional(format.opaque, {
    format: 'id',
    purpose: 'Required with OAUTH_PROVIDER: client that is registered there',
  }),
  OAUTH_CLIENT_SECRET: optional(format.opaque, {
    format: 'secret',
    purpose: 'Required with OAUTH_PROVIDER: secret of that client',
    file: true,
  }),
  OAUTH_SCOPES: optional(format.oauthScopes, {
    format: 'scopes with commas or blanks',
    purpose: 'What oidc is asked for; default openid, email and profile',
  }),
  OAUTH_AUTH_URL: optional(format.endpoint, {
    format: 'https URL',
    purpose: 'Authorization endpoint of oidc, in place of the discovered one',
  }),
  OAUTH_TOKEN_URL: optional(format.endpoint, {
    format: 'https URL',
    purpose: 'Token endpoint of oidc, in place of the discovered one',
  }),
  OAUTH_USERINFO_URL: optional(format.endpoint, {
    format: 'https URL',
    purpose:
      'Userinfo endpoint of oidc, in place of the discovered one; who somebody is always comes from the ID token',
  }),
  ACCESS_TOKEN_LIFETIME: withDefault(format.integer(30, 2_678_400), '3600', {
    format: '30 to 2678400',
    purpose: 'Seconds that access tokens of the embedded authorization server are valid',
  }),
  REFRESH_TOKEN_LIFETIME: withDefault(format.integer(60, 31_536_000), '2592000', {
    format: '60 to 31536000',
    purpose: 'Seconds after which an app that was not used has to be connected again',
  }),
  DEFAULT_ADMIN_EMAIL: optional(format.email, {
    format: 'address',
    purpose: 'Who administers the embedded authorization server; let in whatever the lists say',
  }),
  DEFAULT_ADMIN_NAME: optional(format.personName, {
    format: 'name',
    purpose: 'Name of that person until the first sign-in, with DEFAULT_ADMIN_EMAIL',
  }),
  CF_ACCESS_TEAM_DOMAIN: optional(format.teamDomain, {
    format: 'team name or domain',
    purpose: 'Way in: Cloudflare Access, with CF_ACCESS_AUD',
  }),
  CF_ACCESS_AUD: optional(format.audienceTags, {
    format: 'AUD tags with commas',
    purpose: 'Way in: Cloudflare Access, with CF_ACCESS_TEAM_DOMAIN',
  }),
  CF_ACCESS_SERVICE_TOKENS: optional(format.clientIds, {
    format: 'client ids with commas',
    purpose: 'Access service tokens that may call; none without it',
  }),
  STYTCH_PROJECT_ID: optional(format.stytchProject, {
    format: 'project-live-… or project-test-…',
    purpose: 'Way in: Stytch, with STYTCH_DOMAIN',
  }),
  STYTCH_DOMAIN: optional(format.domain, {
    format: 'domain',
    purpose: 'Way in: Stytch, with STYTCH_PROJECT_ID',
  }),
  OIDC_ISSUER: optional(format.issuer, {
    format: 'https URL',
    purpose: 'Way in: any OpenID provider, with OIDC_AUDIENCE',
  }),
  OIDC_AUDIENCE: optional(format.names, {
    format: 'audiences with commas',
    purpose: 'Way in: any OpenID provider, with OIDC_ISSUER',
  }),
  MCP_BEARER_TOKENS: optional(format.bearerTokens, {
    format: 'name:sha256:hex[:scopes] with commas',
    purpose: 'Way in: fixed tokens, known by their SHA-256; scopes joined by +, default coda.read',
    file: true,
  }),
  GRANTED_SCOPES: optional(format.codaScopeList, {
    format: 'any of coda.read, coda.write and coda.share',
    purpose:
      'What every caller of Stytch, OpenID or Access may do, for providers that cannot issue these scopes; callers of Access have coda.write without it',
  }),
  ALLOWED_EMAILS: optional(format.emails, {
    format: 'addresses with commas',
    purpose: 'Who may call, for every way in; verified addresses only',
  }),
  ALLOWED_DOMAINS: optional(format.domains, {
    format: 'domains with commas',
    purpose: 'Whose addresses may call, for every way in',
  }),
  ALLOWED_TENANTS: optional(format.names, {
    format: 'ids with commas',
    purpose: 'Which organisations may call, for every way in',
  }),
})
export type Environment = z.infer<typeof Environment>

/** Names of all variables, in the order of the documentation. */
export const variableNames: readonly string[] = Object.keys(Environment.shape)

/** Documentation of one variable. */
export function documentationOf(name: string): VariableDocumentation | undefined {
  const schema = Object.entries(Environment.shape).find(([key]) => key === name)?.[1]
  return schema === undefined ? undefined : documentationOfSchema(schema)
}

function formatRow(name: string, documented: VariableDocumentation | undefined): string {
  const fallback = documented?.default === '' ? '' : `\`${documented?.default}\``
  const file = documented?.file ? 'yes' : ''
  return `| \`${name}\` | ${fallback} | ${documented?.format} | ${file} | ${documented?.purpose} |`
}

/** The table of the README. */
export function formatVariableTable(): string {
  const rows = variableNames.flatMap((name) => [
    formatRow(name, documentationOf(name)),
    ...(name === 'CODA_API_TOKEN'
      ? [formatRow(userTokenVariable.name, userTokenVariable.documentation)]
      : []),
  ])
  return [
    '| Variable | Default | Format | `_FILE` | Purpose |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
