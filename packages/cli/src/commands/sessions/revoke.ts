import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { quoteName } from '../../management/formats.js'
import { asking, withManagement } from '../../management/with-management.js'

/** `mcp-auth sessions revoke` */
export const sessionsRevoke = defineCommand({
  path: 'sessions revoke',
  arguments: [{ name: '[session-id]', description: 'one connection, as "sessions list" names it' }],
  summary: 'End one connection of an app, or with --user all of a user',
  details:
    'Its refresh and access tokens end on every server within a second. With --user also the browser sessions, after a confirmation; the user stays active and can connect apps anew.',
  flags: [
    new Option('--user <user>', 'all connections and browser sessions of this user'),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command:
        'npx @bestviable/mcp-auth-cli sessions revoke e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      explains: 'One app of one user',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli sessions revoke --user ann@example.com --yes',
      explains: 'A laptop was lost',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions, user: z.optional(z.string()) }),
  async run(context, { user, ...flags }, [sessionId]) {
    if ((user === undefined) === (sessionId === undefined)) {
      throw new CommandFailure('usage', 'give a session id or --user, one of the two')
    }
    await withManagement(context, flags, async ({ management, actor }) => {
      if (user !== undefined) {
        await context.prompts.requireConfirmation(
          `End all connections and browser sessions of ${user.slice(0, 200)}?`,
        )
        const change = management.sessions.revokeUser(user, { actor })
        const revoked = await asking({ user: '--user' }, 'refused', change)
        context.output.result({ revoked }, () => [`connections ended: ${revoked}`])
        return
      }
      if (!(await management.sessions.revoke(sessionId ?? '', { actor }))) {
        const named = quoteName(sessionId ?? '')
        throw new CommandFailure('refused', `[session-id]: there is no connection ${named}`)
      }
      context.output.result({ revoked: 1 }, () => ['the connection was ended'])
    })
  },
})
