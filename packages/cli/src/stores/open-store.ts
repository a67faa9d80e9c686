import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import type { CommandContext } from '../command.js'
import { readEnvNames } from '../configuration/env-names.js'
import {
  createSettingsReader,
  readStoreKind,
  readStoreSettings,
  type StoreFlags,
  type StoreSettings,
} from '../configuration/store-settings.js'
import { openEnvStore } from './env-store.js'
import { openInfisicalStore } from './infisical-store.js'
import { openPostgresStore } from './postgres-store.js'

/** A store in use by one command. */
export interface OpenStore {
  readonly settings: StoreSettings
  readonly store: TokenStore
  /** Of a postgres store. */
  readonly database?: Database
  /** Closes it and what it was opened with. Idempotent. */
  close(): Promise<void>
}

/** What a command is about to do with a store. */
export interface StoreUse {
  /** An empty database gets its tables. Default false: it is refused. */
  readonly write?: boolean
  /** Nothing is written, not even to the audit trail. */
  readonly dryRun?: boolean
  /** An open database that the store is in too. It is not closed with the store. */
  readonly database?: Database | undefined
}

/** Opens a store whose settings were checked. */
export async function openStore(
  context: CommandContext,
  settings: StoreSettings,
  envNames: string | undefined,
  use: StoreUse,
): Promise<OpenStore> {
  if (settings.kind === 'postgres') return openPostgresStore(context, settings, use)
  if (settings.kind === 'infisical') return openInfisicalStore(context, settings)
  return openEnvStore(context, settings.namespace, await readEnvNames(envNames))
}

/**
 * Opens the store that flags and variables name, hands it over, and closes it whatever happens.
 *
 * @throws {@link ConfigurationError} listing everything that is missing or malformed.
 */
export async function withStore<Value>(
  context: CommandContext,
  flags: StoreFlags & { readonly envNames?: string | undefined },
  run: (open: OpenStore) => Promise<Value>,
  use: StoreUse = {},
): Promise<Value> {
  const reader = createSettingsReader(context.variables)
  const settings = readStoreSettings(reader, readStoreKind(reader, flags.store), flags)
  reader.finish()
  const open = await openStore(context, settings, flags.envNames, use)
  try {
    return await run(open)
  } finally {
    await open.close()
  }
}
