import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { formatTime } from '../../management/formats.js'
import { PAGE_NAMES, pageFlags, pageOptions } from '../../management/page-flags.js'
import { asking, withManagement } from '../../management/with-management.js'
import { formatTable } from '../../output/table.js'

/** `mcp-auth users list` */
export const usersList = defineCommand({
  path: 'users list',
  summary: 'List users and invitations',
  flags: [
    new Option('--status <status>', 'only these').choices(['active', 'suspended', 'invited']),
    ...pageFlags(),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli users list --env-file .env',
      explains: 'The first 100',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli users list --status invited --json',
      explains: 'Who has not signed in yet, for a script',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    ...pageOptions,
    status: z.optional(z.enum(['active', 'suspended', 'invited'])),
  }),
  async run(context, { status, limit, after, ...flags }) {
    await withManagement(context, flags, async ({ management }) => {
      const users = await asking(
        PAGE_NAMES,
        'usage',
        management.users.list({ status, limit, after }),
      )
      context.output.result({ users }, () =>
        users.length === 0
          ? ['no users']
          : formatTable(
              ['USER ID', 'E-MAIL', 'STATUS', 'ROLE', 'LAST SIGN-IN'],
              users.map((user) => [
                user.userId,
                user.email ?? '-',
                user.status,
                user.role,
                formatTime(user.lastLoginAt),
              ]),
            ),
      )
      if (users.length === limit) {
        context.output.note(`there may be more: --after ${users.at(-1)?.userId}`)
      }
    })
  },
})
