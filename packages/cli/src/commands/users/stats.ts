import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import {
  commonFlags,
  commonOptions,
  countUpTo,
  databaseFlags,
  databaseOptions,
} from '../../flags.js'
import { withManagement } from '../../management/with-management.js'

/** `mcp-auth users stats` */
export const usersStats = defineCommand({
  path: 'users stats',
  summary: 'Count users, and those who were active in the last 30 days',
  details: 'Active is who signed in or was issued a token.',
  flags: [
    new Option('--days <days>', 'how far back active users count, up to 3660')
      .argParser(countUpTo(3660))
      .default(30),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli users stats --env-file .env',
      explains: 'Monthly active users',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli users stats --days 1 --json',
      explains: 'Those of a day, for a script',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions, days: z.number() }),
  async run(context, { days, ...flags }) {
    await withManagement(context, flags, async ({ management }) => {
      const stats = await management.users.stats({ days })
      context.output.result({ ...stats }, () => [
        `users: ${stats.users}`,
        `suspended: ${stats.suspended}`,
        `invited: ${stats.invited}`,
        `active in ${stats.days} days: ${stats.activeUsers}`,
      ])
    })
  },
})
