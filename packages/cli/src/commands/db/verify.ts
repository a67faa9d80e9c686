import { verifyRecords } from '@bestviable/mcp-auth-store-postgres'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { openCodec, withDatabase } from '../../stores/postgres-store.js'
import { formatSealedFailures, requireSound } from '../sealed-failures.js'

/** `mcp-auth db verify` */
export const dbVerify = defineCommand({
  path: 'db verify',
  summary: 'Check the tables, and open every sealed record of all namespaces',
  details:
    'Finds records that are damaged, moved or under a key that is not configured here, and changes nothing. A whole older record that was put back in its own place opens, and is not found.',
  flags: [...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli db verify --env-file .env',
      explains: 'After a backup was restored',
    },
    { command: 'npx @bestviable/mcp-auth-cli db verify --json --quiet', explains: 'From a job' },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions }),
  async run(context, options) {
    await withDatabase(context, options, { sealed: true }, async (database, settings) => {
      const codec = openCodec(context, settings)
      const progress = context.startProgress('records opened')
      const { sound, failed } = await verifyRecords(database, codec, {
        signal: context.host.signal,
        onProgress: ({ done, total }) => progress.update(done, total),
      })
      progress.stop()
      context.output.result({ schema: database.schema, sound, failed }, () => [
        `sound records: ${sound}`,
        `other records: ${failed.length}`,
        ...formatSealedFailures(failed),
      ])
      requireSound(failed)
    })
  },
})
