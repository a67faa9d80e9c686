import { userInfo } from 'node:os'
import { ConfigurationError, type TokenStore } from '@bestviable/mcp-auth-middleware'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import {
  type AdminActor,
  type Management,
  openManagement,
} from '@bestviable/mcp-authorization-server/management'
import type { CommandContext } from '../command.js'
import {
  createSettingsReader,
  readStoreKind,
  readStoreSettings,
  type StoreFlags,
} from '../configuration/store-settings.js'
import type { ExitReason } from '../exit-codes.js'
import { CommandFailure } from '../failure.js'
import { openStore } from '../stores/open-store.js'
import { readEncryptionKeys, withDatabase } from '../stores/postgres-store.js'

/** An authorization server as a command works with it. */
export interface ManagementUse {
  readonly management: Management
  readonly database: Database
  /** Who runs the command, for the audit trail. */
  readonly actor: AdminActor
}

function currentUser(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user without a name.
    return String(process.getuid?.() ?? 'unknown')
  }
}

/** Opens the store of `flags` on the database that is open already, where it is in there. */
async function withCredentials<Value>(
  context: CommandContext,
  flags: StoreFlags & { readonly envNames?: string | undefined },
  database: Database,
  use: (credentials: TokenStore) => Promise<Value>,
): Promise<Value> {
  const reader = createSettingsReader(context.variables)
  const settings = readStoreSettings(reader, readStoreKind(reader, flags.store), flags)
  reader.finish()
  const open = await openStore(context, settings, flags.envNames, { database })
  try {
    return await use(open.store)
  } finally {
    await open.close()
  }
}

async function run<Value>(
  encryptionKeys: string,
  database: Database,
  credentials: TokenStore | undefined,
  now: () => number,
  use: (opened: ManagementUse) => Promise<Value>,
): Promise<Value> {
  const management = openManagement({ database, encryptionKeys, credentials, now })
  const actor = { issuer: 'cli', subject: currentUser() }
  try {
    return await use({ management, database, actor })
  } finally {
    await management.close()
  }
}

/**
 * Opens the authorization server in the database that flags and variables name, hands it over, and closes
 * it whatever happens.
 *
 * @throws {@link ConfigurationError} listing everything that is missing or malformed.
 */
export function withManagement<Value>(
  context: CommandContext,
  flags: StoreFlags,
  use: (opened: ManagementUse) => Promise<Value>,
): Promise<Value> {
  return withDatabase(context, flags, { sealed: true }, async (database, settings) => {
    const keys = readEncryptionKeys(context, settings)
    return run(keys, database, undefined, context.host.now, use)
  })
}

/** As {@link withManagement}, together with the store of upstream credentials. */
export function withManagementAndStore<Value>(
  context: CommandContext,
  flags: StoreFlags & { readonly envNames?: string | undefined },
  use: (opened: ManagementUse) => Promise<Value>,
): Promise<Value> {
  return withDatabase(context, flags, { sealed: true }, async (database, settings) => {
    const keys = readEncryptionKeys(context, settings)
    return withCredentials(context, flags, database, (credentials) =>
      run(keys, database, credentials, context.host.now, use),
    )
  })
}

/**
 * Asks for a change, and says what is wrong with it in the words of the command line.
 *
 * @param names - argument or option for each member that can be refused.
 */
export async function asking<Value>(
  names: Readonly<Record<string, string>>,
  reason: ExitReason,
  change: Promise<Value>,
): Promise<Value> {
  try {
    return await change
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const { problems } = error
    // Others are about the configuration, such as keys that are not those of the database.
    if (!problems.every(({ path }) => Object.hasOwn(names, path))) throw error
    const lines = problems.map(({ path, message }) => `${names[path]}: ${message}`)
    throw new CommandFailure(reason, lines.join('\n'), { cause: error })
  }
}
