import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { describeUser, USER_ARGUMENT, USER_NAMES } from '../../management/user-command.js'
import { asking, withManagement } from '../../management/with-management.js'

/** `mcp-auth users suspend` */
export const usersSuspend = defineCommand({
  path: 'users suspend',
  arguments: [USER_ARGUMENT],
  summary: 'Keep a user out, and end all sessions and tokens within a second',
  details:
    'Browser sessions, connections of apps, refresh tokens and access tokens end on every server. Upstream credentials stay. An invitation can be suspended too; nobody comes in by it then.',
  flags: [...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli users suspend ann@example.com --env-file .env',
      explains: 'Somebody has left',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli users suspend 0199b0a6-6c1e-7a51-9d5c-3c1d2f0a4b11 --json',
      explains: 'By id, for a script',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions }),
  async run(context, options, [name = '']) {
    await withManagement(context, options, async ({ management, actor }) => {
      const change = management.users.suspend(name, { actor })
      const user = await asking(USER_NAMES, 'refused', change)
      context.output.result({ user }, () => [describeUser(user)])
    })
  },
})
