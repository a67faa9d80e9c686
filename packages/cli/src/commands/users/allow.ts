import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { describeUser } from '../../management/user-command.js'
import { asking, withManagement } from '../../management/with-management.js'

const Role = z.enum(['admin', 'user'])

/** `mcp-auth users allow` */
export const usersAllow = defineCommand({
  path: 'users allow',
  arguments: [{ name: '<email>', description: 'verified address of the person' }],
  summary: 'Invite an e-mail address, or let the user in again who has it',
  details:
    'The invitation is bound to the first sign-in whose verified address it is, also when the allow-lists of the server do not name it. No mail is sent.',
  flags: [
    new Option('--role <role>', 'what the person may do').choices(['admin', 'user']),
    new Option('--name <text>', 'name to show until the person signs in'),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli users allow ann@example.com --env-file .env',
      explains: 'Somebody new',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli users allow ann@example.com --role admin',
      explains: 'Who also sees users, clients and the audit trail on the account page',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    role: z.optional(Role),
    name: z.optional(z.string()),
  }),
  async run(context, { role, name, ...flags }, [email = '']) {
    await withManagement(context, flags, async ({ management, actor }) => {
      const change = management.users.allow(email, { role, name, actor })
      const wellFormed = asking({ email: '<email>' }, 'usage', change)
      const user = await asking({ user: '<email>' }, 'refused', wellFormed)
      context.output.result({ user }, () => [describeUser(user)])
    })
  },
})
