import {
  finishMigration,
  type MigrationOptions,
  type MigrationReport,
  migrateCredentials,
  verifyMigration,
} from '@bestviable/mcp-auth-middleware'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { type CommandContext, defineCommand } from '../../command.js'
import { STORE_KINDS } from '../../configuration/store-settings.js'
import { parseProvider } from '../../credential-key.js'
import { CommandFailure } from '../../failure.js'
import { commonFlags, commonOptions, countUpTo, storeFlags, storeOptions } from '../../flags.js'
import { createMigrationProbe } from './migration-probe.js'
import { type MigrationStores, withMigrationStores } from './migration-stores.js'
import {
  createDocument,
  formatReport,
  type MigrationStep,
  type ReportDocument,
  requireOk,
  writeReport,
} from './report.js'

const { store: _store, ...placeOptions } = storeOptions

const Options = z.strictObject({
  ...commonOptions,
  ...placeOptions,
  from: z.string(),
  to: z.string(),
  toNamespace: z.optional(z.string()),
  provider: z.optional(z.string()),
  prefer: z.enum(['newer', 'from', 'to']),
  concurrency: z.number(),
  dryRun: z._default(z.boolean(), false),
  probe: z._default(z.boolean(), false),
  probeUrl: z.optional(z.string()),
  verify: z._default(z.boolean(), false),
  finish: z._default(z.boolean(), false),
  report: z.optional(z.string()),
  owners: z._default(z.boolean(), false),
})

type MigrateOptions = z.infer<typeof Options>

/** One run over both stores. */
interface Migration {
  readonly context: CommandContext
  readonly options: MigrateOptions
  readonly stores: MigrationStores
  readonly shared: MigrationOptions
}

async function show(
  { context, options, stores }: Migration,
  step: MigrationStep,
  report: MigrationReport,
  more: ReportDocument = {},
): Promise<void> {
  const places = { from: stores.from.settings, to: stores.to.settings }
  const document = createDocument(step, places, report, more)
  await writeReport(options.report, document, context.host.now())
  context.output.result(document, () => formatReport(report))
}

/** A run that a store ended carries what was done so far. */
function reportOf(error: unknown): MigrationReport | undefined {
  const report: unknown = error instanceof Error ? Reflect.get(error, 'report') : undefined
  const found = z.object({ total: z.number(), entries: z.array(z.unknown()) }).safeParse(report)
  return found.success ? (report as MigrationReport) : undefined
}

async function copy(migration: Migration): Promise<void> {
  const { context, options, shared } = migration
  const probing = createMigrationProbe(context, options)
  const probe = probing?.probe
  let report: MigrationReport
  try {
    report = await migrateCredentials({ ...shared, dryRun: options.dryRun, probe })
  } catch (error) {
    const partial = reportOf(error)
    if (partial !== undefined) await show(migration, 'copy', partial)
    throw error
  }
  await show(migration, 'copy', report)
  const unasked = probing?.unasked() ?? 0
  if (unasked > 0)
    context.output.warn(`${unasked} credentials have no probe and were not asked about`)
  probing?.requireAnswers()
  requireOk(report)
  if (options.dryRun) context.output.note('dry run: nothing was written')
}

async function verify(migration: Migration): Promise<void> {
  const report = await verifyMigration(migration.shared)
  await show(migration, 'verify', report)
  requireOk(report)
}

async function finish(migration: Migration): Promise<void> {
  const { context, options, stores, shared } = migration
  const { from, to } = stores
  if (!options.dryRun) {
    await context.prompts.requireConfirmation(
      `Compare everything once more, then remove it from the ${from.settings.kind} store, namespace ${from.settings.namespace}? Every server must read the ${to.settings.kind} store by now.`,
    )
  }
  const { finished, verification, removal } = await finishMigration({
    ...shared,
    dryRun: options.dryRun,
  })
  if (removal === undefined) {
    await show(migration, 'finish', verification, { finished })
    requireOk(verification)
    return
  }
  await show(migration, 'finish', removal, { finished })
  const { 'by-hand': byHand, changed, failed } = removal.counts
  if (changed > 0 || failed > 0) requireOk(removal)
  if (byHand > 0) {
    context.output.warn(
      `everything is compared; ${byHand} credentials are in a read-only store and have to be removed there by hand`,
    )
  }
}

function requireOneStep({ verify: verifies, finish: finishes, ...options }: MigrateOptions): void {
  const alone = verifies && (options.dryRun || finishes)
  const probes = options.probe || options.probeUrl !== undefined
  if (alone || (probes && (verifies || finishes))) {
    throw new CommandFailure(
      'usage',
      '--verify stands alone, and --probe belongs to copying; run one step after the other',
    )
  }
}

/** `mcp-auth migrate` */
export const migrate = defineCommand({
  path: 'migrate',
  summary: 'Copy credentials from one store to another, compare them, and empty the old one',
  details:
    'Copies what the target lacks, reads every copy back and compares it; the source is not touched. Safe to run again at any time, also after it was killed. Then --verify compares both stores, and --finish compares once more and removes from the source. Ends with 0 only when nothing differs. See docs/guides/migrate-stores.md for what servers do meanwhile.',
  flags: [
    new Option('--from <kind>', 'store to move away from')
      .choices(STORE_KINDS)
      .makeOptionMandatory(),
    new Option('--to <kind>', 'store to move to').choices(STORE_KINDS).makeOptionMandatory(),
    new Option('--to-namespace <name>', 'namespace in the target; default: the same'),
    new Option('--provider <name>', 'only credentials of this provider'),
    new Option('--prefer <side>', 'which store is right where both hold another value')
      .choices(['newer', 'from', 'to'])
      .default('newer'),
    new Option('--dry-run', 'compare and say what would be done; write nothing'),
    new Option(
      '--probe',
      'ask the upstream API about each credential before it is copied; knows coda',
    ),
    new Option(
      '--probe-url <url>',
      'with --provider: as --probe, by a GET with the value as Bearer token',
    ),
    new Option('--verify', 'only compare both stores'),
    new Option('--finish', 'compare, then remove from the source, after a confirmation'),
    new Option('--report <file>', 'also write the report as JSON, for its owner only'),
    new Option('--owners', 'name issuer and subject of users in the report'),
    new Option('--concurrency <keys>', 'credentials at the same time, 1 to 64')
      .argParser(countUpTo(64))
      .default(8),
    ...storeFlags().filter(({ long }) => long !== '--store'),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli migrate --from env --to postgres --dry-run',
      explains: 'Phase 1 to 2: look first',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli migrate --from postgres --to infisical --probe',
      explains: 'Phase 2 to 3',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli migrate --from postgres --to infisical --finish',
      explains: 'When every server is in read-new',
    },
  ],
  options: Options,
  async run(context, options) {
    requireOneStep(options)
    const provider = options.provider === undefined ? undefined : parseProvider(options.provider)
    const { dryRun, prefer, owners: includeOwners } = options
    const use = { dryRun: dryRun || options.verify, write: !options.verify }
    await withMigrationStores(context, options, use, async (stores) => {
      const progress = context.startProgress(options.verify ? 'compared' : 'done')
      const migration: Migration = {
        context,
        options,
        stores,
        shared: {
          from: stores.from.store,
          to: stores.to.store,
          provider,
          prefer,
          includeOwners,
          concurrency: options.concurrency,
          signal: context.host.signal,
          onProgress: ({ done, total }) => progress.update(done, total),
        },
      }
      if (options.finish) await finish(migration)
      else if (options.verify) await verify(migration)
      else await copy(migration)
    })
  },
})
