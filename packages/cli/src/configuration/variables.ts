/** One variable that this program reads, as the reference page lists it. */
export interface VariableDescription {
  readonly purpose: string
  /** Used when it is not set. */
  readonly fallback?: string
  /** The option that wins over it. */
  readonly flag?: string
}

const descriptions = {
  TOKEN_STORE: {
    purpose: 'Store that commands use: `env`, `postgres` or `infisical`.',
    fallback: 'env',
    flag: '--store',
  },
  MCP_AUTH_NAMESPACE: {
    purpose: 'Namespace of the server whose credentials are meant.',
    fallback: 'default',
    flag: '--namespace',
  },
  MCP_AUTH_SCHEMA: {
    purpose: 'Schema of the tables in PostgreSQL.',
    fallback: 'mcp_auth',
    flag: '--schema',
  },
  DATABASE_URL: {
    purpose:
      'PostgreSQL, as `postgresql://…`. Without it the database embedded in `DATA_DIR` is used.',
  },
  DATA_DIR: {
    purpose: 'Folder of the embedded database and of its key file.',
    fallback: '.data',
    flag: '--data-dir',
  },
  MCP_AUTH_ENCRYPTION_KEYS: {
    purpose:
      'Keys of the postgres store, separated by commas, the current one first. Needed with `DATABASE_URL`; the embedded database has a key file.',
  },
  INFISICAL_SITE_URL: {
    purpose: 'Address of Infisical.',
    fallback: 'https://app.infisical.com',
  },
  INFISICAL_CLIENT_ID: { purpose: 'Machine identity with universal auth.' },
  INFISICAL_CLIENT_SECRET: { purpose: 'Client secret of that identity.' },
  INFISICAL_PROJECT_ID: { purpose: 'Project that holds the credentials.' },
  INFISICAL_ENVIRONMENT: { purpose: 'Slug of the environment.', fallback: 'prod' },
  INFISICAL_PATH: { purpose: 'Folder that holds the namespaces.', fallback: '/mcp-auth' },
  CODA_API_BASE_URL: {
    purpose: 'Where `--probe` asks whether a Coda token works.',
    fallback: 'https://coda.io/apis/v1',
  },
  MCP_AUTH_DOCTOR_TOKEN: {
    purpose: 'Access token of `doctor --token`, when nobody types it.',
  },
} as const satisfies Readonly<Record<string, VariableDescription>>

/** Name of a variable that this program reads. */
export type VariableName = keyof typeof descriptions

/** Every variable that this program reads by itself; each has a `_FILE` variant. */
export const VARIABLES: Readonly<Record<VariableName, VariableDescription>> = descriptions
