import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { formatTime } from '../../management/formats.js'
import { PAGE_NAMES, pageFlags, pageOptions } from '../../management/page-flags.js'
import { asking, withManagement } from '../../management/with-management.js'
import { formatTable } from '../../output/table.js'

/** `mcp-auth clients list` */
export const clientsList = defineCommand({
  path: 'clients list',
  summary: 'List clients, without their secrets',
  details:
    'Those of operators (registered), those that registered themselves (dynamic), and those whose id is the URL of a document: while somebody has connected them, and when they were turned off. Their document alone says redirect URIs, grants and method.',
  flags: [...pageFlags(), ...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli clients list --env-file .env',
      explains: 'The first 100',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli clients list --limit 1000 --json',
      explains: 'With redirect URIs and grants, for a script',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions, ...pageOptions }),
  async run(context, { limit, after, ...flags }) {
    await withManagement(context, flags, async ({ management }) => {
      const clients = await asking(PAGE_NAMES, 'usage', management.clients.list({ limit, after }))
      context.output.result({ clients }, () =>
        clients.length === 0
          ? ['no clients']
          : formatTable(
              ['CLIENT ID', 'NAME', 'ORIGIN', 'METHOD', 'STATE', 'LAST USED'],
              clients.map((client) => [
                client.clientId,
                client.clientName ?? '-',
                client.origin,
                client.origin === 'document' ? '-' : client.tokenEndpointAuthMethod,
                client.active ? 'active' : 'off',
                formatTime(client.lastUsedAt),
              ]),
            ),
      )
      if (clients.length === limit) {
        context.output.note(`there may be more: --after ${clients.at(-1)?.clientId}`)
      }
    })
  },
})
