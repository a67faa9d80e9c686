import { type KeyStatus, keyStatus } from '@bestviable/mcp-auth-store-postgres'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { formatTable } from '../../output/table.js'
import { openCodec, withDatabase } from '../../stores/postgres-store.js'

function roleOf({ current, inRing, safeToDrop, records }: KeyStatus): string {
  if (current === true) return 'current'
  if (inRing === false) return records > 0 ? 'missing here' : 'dropped'
  return safeToDrop ? 'can be dropped' : 'still needed'
}

/** `mcp-auth keys status` */
export const keysStatus = defineCommand({
  path: 'keys status',
  summary: 'Count the records under each encryption key',
  details:
    'Covers all namespaces of the schema and opens nothing. Ends with 1 when records are under a key that is not in MCP_AUTH_ENCRYPTION_KEYS. A key can be taken out when it has 0 records; backups that are older need it all the same.',
  flags: [...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli keys status --env-file .env',
      explains: 'Which key can be dropped',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli keys status --json',
      explains: 'The same for a script',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions }),
  async run(context, options) {
    await withDatabase(context, options, { sealed: true }, async (database, settings) => {
      const keys = await keyStatus(database, openCodec(context, settings))
      context.output.result({ schema: database.schema, keys }, () =>
        formatTable(
          ['KEY ID', 'RECORDS', 'STATE'],
          keys.map((key) => [key.keyId, String(key.records), roleOf(key)]),
        ),
      )
      const missing = keys.filter(({ inRing, records }) => inRing === false && records > 0)
      if (missing.length === 0) return
      throw new CommandFailure(
        'refused',
        `records are under keys that are not in MCP_AUTH_ENCRYPTION_KEYS: ${missing.map(({ keyId }) => keyId).join(', ')}`,
      )
    })
  },
})
