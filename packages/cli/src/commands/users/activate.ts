import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { describeUser, USER_ARGUMENT, USER_NAMES } from '../../management/user-command.js'
import { asking, withManagement } from '../../management/with-management.js'

/** `mcp-auth users activate` */
export const usersActivate = defineCommand({
  path: 'users activate',
  arguments: [USER_ARGUMENT],
  summary: 'Let a suspended user in again',
  details: 'Apps have to be connected anew. Somebody who is not suspended stays as they are.',
  flags: [...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli users activate ann@example.com --env-file .env',
      explains: 'Somebody is back',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli users activate 0199b0a6-6c1e-7a51-9d5c-3c1d2f0a4b11 --json',
      explains: 'By id, for a script',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions }),
  async run(context, options, [name = '']) {
    await withManagement(context, options, async ({ management, actor }) => {
      const change = management.users.activate(name, { actor })
      const user = await asking(USER_NAMES, 'refused', change)
      context.output.result({ user }, () => [describeUser(user)])
    })
  },
})
