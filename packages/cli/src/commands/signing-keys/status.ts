import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { describeSigningKeys } from '../../management/signing-key-command.js'
import { withManagement } from '../../management/with-management.js'

/** `mcp-auth signing-keys status` */
export const signingKeysStatus = defineCommand({
  path: 'signing-keys status',
  summary: 'Show the keys that sign access tokens, without their private parts',
  details:
    'pending: published, and signs from the time shown; active: signs; retired: published until the last token that it signed has expired. A running server changes the states at their times.',
  flags: [...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli signing-keys status --env-file .env',
      explains: 'Which key signs',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli signing-keys status --json',
      explains: 'The same for a script',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions }),
  async run(context, options) {
    await withManagement(context, options, async ({ management }) => {
      const keys = await management.signingKeys.status()
      context.output.result({ keys }, () => describeSigningKeys(keys))
    })
  },
})
