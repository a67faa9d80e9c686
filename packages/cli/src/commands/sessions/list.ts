import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { formatTime } from '../../management/formats.js'
import { PAGE_NAMES, pageFlags, pageOptions } from '../../management/page-flags.js'
import { asking, withManagement } from '../../management/with-management.js'
import { formatTable } from '../../output/table.js'

/** `mcp-auth sessions list` */
export const sessionsList = defineCommand({
  path: 'sessions list',
  summary: 'List which users connected which apps',
  details: 'A session id names a connection and is no credential.',
  flags: [
    new Option('--user <user>', 'only those of this user, by id or e-mail'),
    new Option('--client <client-id>', 'only those to this client'),
    ...pageFlags(),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli sessions list --user ann@example.com --env-file .env',
      explains: 'What somebody connected',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli sessions list --client 5f0c6a7d1e9b4c2a8f3d6e0b7a1c9d54 --json',
      explains: 'Who connected an app, for a script',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    ...pageOptions,
    user: z.optional(z.string()),
    client: z.optional(z.string()),
  }),
  async run(context, { user, client: clientId, limit, after, ...flags }) {
    await withManagement(context, flags, async ({ management }) => {
      const sessions = await asking(
        { ...PAGE_NAMES, user: '--user' },
        'refused',
        management.sessions.list({ user, clientId, limit, after }),
      )
      context.output.result({ sessions }, () =>
        sessions.length === 0
          ? ['no connections']
          : formatTable(
              ['SESSION ID', 'USER ID', 'APP', 'CLIENT ID', 'SCOPES', 'LAST USED'],
              sessions.map((session) => [
                session.sessionId,
                session.userId ?? '-',
                session.clientName ?? '-',
                session.clientId,
                session.scopes.join(' '),
                formatTime(session.lastUsedAt),
              ]),
            ),
      )
      if (sessions.length === limit) {
        context.output.note(`there may be more: --after ${sessions.at(-1)?.sessionId}`)
      }
    })
  },
})
