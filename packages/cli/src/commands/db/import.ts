import { type FileHandle, open } from 'node:fs/promises'
import { importDatabase } from '@bestviable/mcp-auth-store-postgres'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { withDatabase } from '../../stores/postgres-store.js'

async function openBackup(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    throw new CommandFailure('configuration', `the backup cannot be read (${String(code)})`)
  }
}

/** `mcp-auth db import` */
export const dbImport = defineCommand({
  path: 'db import',
  arguments: [{ name: '<file>', description: 'what "db export" wrote' }],
  summary: 'Bring a backup into the database: all of it or nothing',
  details:
    'Every line is checked; damage anywhere refuses the whole backup. An empty database gets its tables first. Credentials that are there already refuse the import, unless --existing says to skip or to replace them. The store needs the keys under which the backup was sealed; "db verify" tells whether it has them.',
  flags: [
    new Option('--existing <what>', 'credentials that are there already')
      .choices(['refuse', 'skip', 'replace'])
      .default('refuse'),
    new Option('--dry-run', 'check and count everything; write nothing'),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli db import mcp-auth.jsonl --env-file .env',
      explains: 'Into the database of DATABASE_URL',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli db import mcp-auth.jsonl --existing skip --dry-run',
      explains: 'What would be added',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    existing: z.enum(['refuse', 'skip', 'replace']),
    dryRun: z._default(z.boolean(), false),
  }),
  async run(context, { existing: onExisting, dryRun, ...flags }, [path = '']) {
    const file = await openBackup(path)
    try {
      const use = { sealed: false, tables: dryRun ? 'required' : 'made' } as const
      await withDatabase(context, flags, use, async (database) => {
        if (onExisting === 'replace' && !dryRun) {
          await context.prompts.requireConfirmation(
            'Replace the credentials that are in the database by those of the backup, also where they are newer?',
          )
        }
        const progress = context.startProgress('rows checked')
        const rows = new Map<string, number>()
        const { tables } = await importDatabase(database, file.createReadStream(), {
          onExisting,
          dryRun,
          signal: context.host.signal,
          onProgress({ table, rows: count }) {
            rows.set(table, count)
            progress.update([...rows.values()].reduce((sum, each) => sum + each, 0))
          },
        })
        progress.stop()
        context.output.result({ schema: database.schema, dryRun, tables }, () =>
          Object.entries(tables).map(
            ([table, { rows: all, written, existing }]) =>
              `${table}: ${all} rows, ${written} ${dryRun ? 'would be written' : 'written'}, ${existing} there already`,
          ),
        )
      })
    } finally {
      await file.close()
    }
  },
})
