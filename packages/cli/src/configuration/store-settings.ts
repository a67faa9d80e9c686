import { ConfigurationError, isAuthError, isCredentialName } from '@bestviable/mcp-auth-middleware'
import { parseEncryptionKeys } from '@bestviable/mcp-auth-middleware/envelope'
import { type Problems, readSetting, type Variables } from './environment.js'
import { VARIABLES, type VariableName } from './variables.js'

/** Kinds of stores. */
export const STORE_KINDS = ['env', 'postgres', 'infisical'] as const

/** Kind of a store. */
export type StoreKind = (typeof STORE_KINDS)[number]

/** Options that win over variables. */
export interface StoreFlags {
  readonly store?: string | undefined
  readonly namespace?: string | undefined
  readonly schema?: string | undefined
  readonly dataDir?: string | undefined
}

/** Where PostgreSQL is, and with which keys its records are sealed. */
export interface PostgresSettings {
  readonly kind: 'postgres'
  readonly namespace: string
  readonly schema: string
  readonly dataDir: string
  /** Absent: the database embedded in `dataDir`. */
  readonly connectionString: string | undefined
  /** Absent: the key file in `dataDir`. Only without a connection string. */
  readonly encryptionKeys: string | undefined
}

/** Where Infisical is, and as whom to log in. */
export interface InfisicalSettings {
  readonly kind: 'infisical'
  readonly namespace: string
  readonly siteUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly projectId: string
  readonly environment: string
  readonly path: string
}

/** Everything that a store needs. */
export type StoreSettings =
  | { readonly kind: 'env'; readonly namespace: string }
  | PostgresSettings
  | InfisicalSettings

const NAME_RULE = 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"'
const SCHEMA_RULE = 'must be 1 to 63 letters, digits or "_" and not start with a digit or "pg_"'

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  const secure = protocol === 'https:' || (protocol === 'http:' && loopback)
  return secure && username === '' && password === ''
}

/** A reader of settings that adds what is wrong to one list. */
export interface SettingsReader {
  readonly problems: Problems
  /** A flag, else a variable, else the default, checked. */
  text(
    name: VariableName,
    flag: string | undefined,
    rule: { readonly accepts: (text: string) => boolean; readonly message: string },
  ): string
  optional(name: VariableName): string | undefined
  required(name: VariableName, why: string): string
  /** @throws {@link ConfigurationError} listing everything that was found. */
  finish(): void
}

/** Creates a reader over the variables of one command. */
export function createSettingsReader(variables: Variables): SettingsReader {
  const problems: Problems = []

  function add(path: string, message: string): void {
    if (!problems.some((each) => each.path === path && each.message === message)) {
      problems.push({ path, message })
    }
  }

  function read(name: VariableName): { readonly value: string | undefined; readonly bad: boolean } {
    const own: Problems = []
    const value = readSetting(variables, name, own)
    for (const { path, message } of own) add(path, message)
    return { value, bad: own.length > 0 }
  }

  return {
    problems,
    text(name, flag, { accepts, message }) {
      const { fallback = '', flag: flagName = name } = VARIABLES[name]
      if (flag !== undefined) {
        if (!accepts(flag)) add(flagName, message)
        return flag
      }
      const { value = fallback, bad } = read(name)
      if (!bad && !accepts(value)) add(name, message)
      return value
    },
    optional: (name) => read(name).value,
    required(name, why) {
      const { value, bad } = read(name)
      if (value === undefined && !bad) add(name, `is missing: ${why}`)
      return value ?? ''
    },
    finish() {
      if (problems.length > 0) throw new ConfigurationError('mcp-auth', problems)
    },
  }
}

/** Reads which store a command uses. */
export function readStoreKind(reader: SettingsReader, flag: string | undefined): StoreKind {
  const kind = reader.text('TOKEN_STORE', flag, {
    accepts: (text) => STORE_KINDS.some((each) => each === text),
    message: 'must be env, postgres or infisical',
  })
  return STORE_KINDS.find((each) => each === kind) ?? 'env'
}

/** Reads the namespace of a command. */
export function readNamespace(reader: SettingsReader, flag: string | undefined): string {
  return reader.text('MCP_AUTH_NAMESPACE', flag, { accepts: isCredentialName, message: NAME_RULE })
}

/** Tells what is wrong with a list of encryption keys, without them. */
function checkEncryptionKeys(reader: SettingsReader, keys: string | undefined): void {
  if (keys === undefined) return
  try {
    parseEncryptionKeys(keys)
  } catch (error) {
    if (!isAuthError(error)) throw error
    const found = error instanceof ConfigurationError ? error.problems : []
    for (const { message } of found) {
      reader.problems.push({ path: 'MCP_AUTH_ENCRYPTION_KEYS', message })
    }
    if (found.length === 0) {
      reader.problems.push({ path: 'MCP_AUTH_ENCRYPTION_KEYS', message: 'is not usable' })
    }
  }
}

/** Reads where PostgreSQL is. Without `sealed` the command needs no keys. */
export function readPostgresSettings(
  reader: SettingsReader,
  flags: StoreFlags,
  { sealed }: { readonly sealed: boolean },
): PostgresSettings {
  const namespace = readNamespace(reader, flags.namespace)
  const schema = reader.text('MCP_AUTH_SCHEMA', flags.schema, {
    accepts: (text) => /^[A-Za-z_]\w{0,62}$/.test(text) && !/^pg_/i.test(text),
    message: SCHEMA_RULE,
  })
  const dataDir = reader.text('DATA_DIR', flags.dataDir, {
    accepts: (text) => text !== '',
    message: 'must be a path',
  })
  const connectionString = reader.optional('DATABASE_URL')
  if (
    connectionString !== undefined &&
    !(/^postgres(?:ql)?:\/\//.test(connectionString) && URL.canParse(connectionString))
  ) {
    const message =
      'must be a URL that starts with "postgresql://"; percent-encode special characters of the password'
    reader.problems.push({ path: 'DATABASE_URL', message })
  }
  const why =
    'records in PostgreSQL are sealed; take the keys of the server, or make the first with "mcp-auth keys generate"'
  const encryptionKeys =
    sealed && connectionString !== undefined
      ? reader.required('MCP_AUTH_ENCRYPTION_KEYS', why) || undefined
      : reader.optional('MCP_AUTH_ENCRYPTION_KEYS')
  checkEncryptionKeys(reader, encryptionKeys)
  return { kind: 'postgres', namespace, schema, dataDir, connectionString, encryptionKeys }
}

function readInfisicalSettings(reader: SettingsReader, flags: StoreFlags): InfisicalSettings {
  const why = 'the infisical store logs in with it'
  return {
    kind: 'infisical',
    namespace: readNamespace(reader, flags.namespace),
    siteUrl: reader.text('INFISICAL_SITE_URL', undefined, {
      accepts: isWebUrl,
      message: 'must be an https URL without a user; http is for loopback hosts only',
    }),
    clientId: reader.required('INFISICAL_CLIENT_ID', why),
    clientSecret: reader.required('INFISICAL_CLIENT_SECRET', why),
    projectId: reader.required('INFISICAL_PROJECT_ID', 'it holds the credentials'),
    environment: reader.text('INFISICAL_ENVIRONMENT', undefined, {
      accepts: (text) => text.trim() !== '',
      message: 'must be the slug of an environment',
    }),
    path: reader.text('INFISICAL_PATH', undefined, {
      accepts: (text) => text.startsWith('/'),
      message: 'must be a folder that starts with "/"',
    }),
  }
}

/** Reads everything that a store of one kind needs. */
export function readStoreSettings(
  reader: SettingsReader,
  kind: StoreKind,
  flags: StoreFlags,
): StoreSettings {
  if (kind === 'postgres') return readPostgresSettings(reader, flags, { sealed: true })
  if (kind === 'infisical') return readInfisicalSettings(reader, flags)
  return { kind, namespace: readNamespace(reader, flags.namespace) }
}
