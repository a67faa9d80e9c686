import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { CLIENT_ARGUMENT, CLIENT_NAMES } from '../../management/client-command.js'
import { asking, withManagement } from '../../management/with-management.js'

/** `mcp-auth clients revoke` */
export const clientsRevoke = defineCommand({
  path: 'clients revoke',
  arguments: [CLIENT_ARGUMENT],
  summary: 'Turn a client off and end all its tokens, after a confirmation',
  details:
    'Every connection of every user to it ends on every server within a second. Its row stays, so that it does not come back; the URL of a document can be given too.',
  flags: [...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command:
        'npx @bestviable/mcp-auth-cli clients revoke 5f0c6a7d1e9b4c2a8f3d6e0b7a1c9d54 --env-file .env',
      explains: 'A client that lost its secret',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli clients revoke https://app.example.com/client.json --yes',
      explains: 'A client whose id is a document',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions }),
  async run(context, options, [clientId = '']) {
    await withManagement(context, options, async ({ management, actor }) => {
      const found = await management.clients.find(clientId)
      await context.prompts.requireConfirmation(
        `Turn off ${found?.clientName ?? 'the client'} (${clientId.slice(0, 200)}) and end all its connections? It cannot be turned on again.`,
      )
      const change = management.clients.revoke(clientId, { actor })
      const client = await asking(CLIENT_NAMES, 'refused', change)
      context.output.result({ client }, () => [`turned off ${client.clientId}`])
    })
  },
})
