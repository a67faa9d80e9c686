import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { describeUser, USER_ARGUMENT, USER_NAMES } from '../../management/user-command.js'
import { asking, withManagement } from '../../management/with-management.js'

/** `mcp-auth users set-role` */
export const usersSetRole = defineCommand({
  path: 'users set-role',
  arguments: [USER_ARGUMENT, { name: '<role>', description: 'admin or user' }],
  summary: 'Make a user an admin, or an admin a user',
  details:
    'An admin sees and changes users and clients on the account page of the server, and reads its audit trail. It holds from the next request on.',
  flags: [...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli users set-role ann@example.com admin --env-file .env',
      explains: 'Make an admin',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli users set-role ann@example.com user --json',
      explains: 'And take it back',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions }),
  async run(context, options, [name = '', role = '']) {
    if (role !== 'admin' && role !== 'user') {
      throw new CommandFailure('usage', '<role>: must be admin or user')
    }
    await withManagement(context, options, async ({ management, actor }) => {
      const user = await asking(
        USER_NAMES,
        'refused',
        management.users.setRole(name, role, { actor }),
      )
      context.output.result({ user }, () => [describeUser(user)])
    })
  },
})
