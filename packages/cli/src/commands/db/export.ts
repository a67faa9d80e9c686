import type { FileHandle } from 'node:fs/promises'
import { exportDatabase } from '@bestviable/mcp-auth-store-postgres'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { requireFree, writePrivateFile } from '../../files/private-file.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { withDatabase } from '../../stores/postgres-store.js'

const CHUNK_LENGTH = 256 * 1024

/** Writes lines in large pieces. */
async function writeLines(file: FileHandle, lines: AsyncIterable<string>): Promise<void> {
  let chunk = ''
  for await (const line of lines) {
    chunk += line
    if (chunk.length < CHUNK_LENGTH) continue
    await file.writeFile(chunk)
    chunk = ''
  }
  await file.writeFile(chunk)
}

/** `mcp-auth db export` */
export const dbExport = defineCommand({
  path: 'db export',
  summary: 'Write a backup of the database into a file, sealed as it is',
  details:
    'Credentials, tombstones, key checks and audit events of one moment, while servers run. No key is needed, and without the keys of the store the backup opens nothing; owners and times in it are readable. The file is for its owner only (0600). It can be imported into PostgreSQL and into the embedded database.',
  flags: [
    new Option('--output <file>', 'file to write').makeOptionMandatory(),
    new Option('--namespace <name>', 'only the rows of one namespace; default: all'),
    new Option('--force', 'replace the file when it is there'),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli db export --output mcp-auth.jsonl --env-file .env',
      explains: 'A backup',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli db export --output mcp-auth.jsonl --data-dir .data --quiet',
      explains: 'From the embedded database, to move to PostgreSQL',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    output: z.string(),
    namespace: z.optional(z.string()),
    force: z._default(z.boolean(), false),
  }),
  async run(context, { output: path, namespace, force, ...flags }) {
    const file = { flag: '--output', replace: force }
    await requireFree(path, file)
    await withDatabase(context, flags, { sealed: false }, async (database) => {
      const progress = context.startProgress('rows exported')
      const rows = new Map<string, number>()
      const lines = exportDatabase(database, {
        namespace,
        signal: context.host.signal,
        onProgress({ table, rows: count }) {
          rows.set(table, count)
          progress.update([...rows.values()].reduce((sum, each) => sum + each, 0))
        },
      })
      await writePrivateFile(path, file, (handle) => writeLines(handle, lines))
      progress.stop()
      const tables = Object.fromEntries(rows)
      context.output.result({ output: path, schema: database.schema, tables }, () => [
        `wrote ${path}`,
        ...[...rows].map(([table, count]) => `${table}: ${count}`),
      ])
    })
  },
})
