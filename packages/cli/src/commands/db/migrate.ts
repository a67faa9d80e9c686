import { applyMigrations, pendingMigrations } from '@bestviable/mcp-auth-store-postgres'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { withDatabase } from '../../stores/postgres-store.js'

/** `mcp-auth db migrate` */
export const dbMigrate = defineCommand({
  path: 'db migrate',
  summary: 'Make or bring up to date the tables of the postgres store',
  details:
    'Migrations only add: servers of this release and the one before can run meanwhile. Safe to run twice and from several places at once. Needs no encryption key.',
  flags: [
    new Option('--dry-run', 'only say what would be applied'),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli db migrate --env-file .env',
      explains: 'Before a release is started with migrate: verify',
    },
    { command: 'npx @bestviable/mcp-auth-cli db migrate --dry-run', explains: 'Look first' },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    dryRun: z._default(z.boolean(), false),
  }),
  async run(context, options) {
    await withDatabase(context, options, { sealed: false, tables: 'any' }, async (database) => {
      const { dryRun } = options
      const found = await (dryRun ? pendingMigrations(database) : applyMigrations(database))
      const migrations = found.map(({ version, name }) => ({ version, name }))
      context.output.result({ schema: database.schema, dryRun, migrations }, () =>
        migrations.length === 0
          ? [`the schema ${database.schema} is up to date`]
          : migrations.map(
              ({ version, name }) => `${dryRun ? 'would apply' : 'applied'} ${version} (${name})`,
            ),
      )
    })
  },
})
