import type { CommandContext } from '../../command.js'
import {
  createSettingsReader,
  readStoreSettings,
  STORE_KINDS,
  type StoreFlags,
  type StoreKind,
  type StoreSettings,
} from '../../configuration/store-settings.js'
import { CommandFailure } from '../../failure.js'
import { type OpenStore, openStore } from '../../stores/open-store.js'

/** Flags that name both stores. */
export interface MigrationStoreFlags extends StoreFlags {
  readonly from: string
  readonly to: string
  readonly toNamespace?: string | undefined
  readonly envNames?: string | undefined
}

/** Both stores in use. */
export interface MigrationStores {
  readonly from: OpenStore
  readonly to: OpenStore
}

function parseKind(text: string): StoreKind {
  const kind = STORE_KINDS.find((each) => each === text)
  // The choices of the flag were checked before.
  if (kind === undefined) throw new CommandFailure('usage', 'no such store')
  return kind
}

/** Reads the settings of both stores, so that one error lists everything that either lacks. */
function readBoth(
  context: CommandContext,
  flags: MigrationStoreFlags,
): [StoreSettings, StoreSettings] {
  const [from, to] = [parseKind(flags.from), parseKind(flags.to)]
  const reader = createSettingsReader(context.variables)
  const source = readStoreSettings(reader, from, flags)
  const namespace = flags.toNamespace ?? flags.namespace
  const target = readStoreSettings(reader, to, { ...flags, namespace })
  if (from === to && source.namespace === target.namespace) {
    throw new CommandFailure(
      'usage',
      `--from and --to are the same store and namespace; there is nothing to move`,
    )
  }
  if (to === 'env') {
    throw new CommandFailure(
      'usage',
      'environment variables cannot be written; the way back is "mcp-auth export --format env"',
    )
  }
  reader.finish()
  return [source, target]
}

/** Opens both stores, hands them over, and closes them whatever happens. */
export async function withMigrationStores(
  context: CommandContext,
  flags: MigrationStoreFlags,
  { dryRun, write }: { readonly dryRun: boolean; readonly write: boolean },
  run: (stores: MigrationStores) => Promise<void>,
): Promise<void> {
  const [source, target] = readBoth(context, flags)
  const from = await openStore(context, source, flags.envNames, { dryRun })
  try {
    // One process opens an embedded database once.
    const { database } = target.kind === 'postgres' ? from : {}
    const to = await openStore(context, target, flags.envNames, { dryRun, write, database })
    try {
      await run({ from, to })
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}
