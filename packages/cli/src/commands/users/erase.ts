import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { commonFlags, commonOptions, storeFlags, storeOptions } from '../../flags.js'
import { quoteName } from '../../management/formats.js'
import { describeUser, USER_ARGUMENT, USER_NAMES } from '../../management/user-command.js'
import { asking, withManagementAndStore } from '../../management/with-management.js'

const NAMES = { ...USER_NAMES, credentials: '--store' }

/** `mcp-auth users erase` */
export const usersErase = defineCommand({
  path: 'users erase',
  arguments: [USER_ARGUMENT],
  summary: 'Remove everything about a user, after a confirmation',
  details:
    'Sessions, connections and tokens end within a second; upstream credentials are deleted from the store of --store; the profile is removed; audit events stay under a pseudonym that nothing leads back from. Name every other namespace and store in a run of its own before. After a failure run it again. Backups are not changed.',
  flags: [...storeFlags(), ...commonFlags()],
  examples: [
    {
      command:
        'npx @bestviable/mcp-auth-cli users erase ann@example.com --store postgres --env-file .env',
      explains: 'With the credentials in PostgreSQL',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli users erase ann@example.com --store infisical --yes --json',
      explains: 'With those in Infisical, from a job',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...storeOptions }),
  async run(context, options, [name = '']) {
    await withManagementAndStore(context, options, async ({ management, actor }) => {
      const user = await asking(USER_NAMES, 'refused', management.users.find(name))
      if (user === undefined) {
        throw new CommandFailure('refused', `<user>: there is no user ${quoteName(name)}`)
      }
      await context.prompts.requireConfirmation(
        `Remove everything about ${describeUser(user)}? It cannot be brought back.`,
      )
      const erased = await asking(NAMES, 'refused', management.users.erase(user.userId, { actor }))
      context.output.result({ ...erased }, () => [
        `erased ${erased.userId}`,
        `connections of apps: ${erased.sessions}`,
        `upstream credentials: ${erased.credentials}`,
        `audit events under a pseudonym: ${erased.auditEvents}`,
      ])
    })
  },
})
