import { rotateKeys } from '@bestviable/mcp-auth-store-postgres'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import {
  commonFlags,
  commonOptions,
  countUpTo,
  databaseFlags,
  databaseOptions,
} from '../../flags.js'
import { openCodec, withDatabase } from '../../stores/postgres-store.js'
import { formatSealedFailures, requireSound } from '../sealed-failures.js'

const MOST_RECORDS = 10_000

/** `mcp-auth keys rotate` */
export const keysRotate = defineCommand({
  path: 'keys rotate',
  summary: 'Put every record under the current encryption key, while servers run',
  details:
    'Only the wrapped data key of a record changes. Put the new key first in MCP_AUTH_ENCRYPTION_KEYS of every server before; see docs/guides/key-rotation.md. Each record is opened first: damage is reported and left where it is. An interrupted run is continued by the next one.',
  flags: [
    new Option('--batch-size <records>', 'records per statement, 1 to 10000')
      .argParser(countUpTo(MOST_RECORDS))
      .default(500),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli keys rotate --env-file .env',
      explains: 'After the new key was put first everywhere',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli keys rotate --json --quiet',
      explains: 'From a job',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions, batchSize: z.number() }),
  async run(context, options) {
    await withDatabase(context, options, { sealed: true }, async (database, settings) => {
      const codec = openCodec(context, settings)
      const progress = context.startProgress('records rewrapped')
      const { signal } = context.host
      const result = await rotateKeys(database, codec, {
        batchSize: options.batchSize,
        signal,
        onProgress: ({ done, total }) => progress.update(done, total),
      })
      progress.stop()
      const { keyId, rewrapped, alreadyCurrent, skipped, failed, remaining } = result
      context.output.result({ ...result }, () => [
        `current key ${keyId}`,
        `rewrapped: ${rewrapped}`,
        `already under it: ${alreadyCurrent}`,
        `changed by others meanwhile: ${skipped}`,
        `under other keys: ${remaining}`,
        ...formatSealedFailures(failed),
      ])
      requireSound(failed)
      if (remaining > 0) {
        throw new CommandFailure(
          'refused',
          `${remaining} records are under other keys: a server still writes with an old key. Change its keys and run this again`,
        )
      }
    })
  },
})
