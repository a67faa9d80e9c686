import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { CLIENT_ARGUMENT, CLIENT_NAMES } from '../../management/client-command.js'
import {
  requireTarget,
  secretFlags,
  secretOptions,
  writeSecret,
} from '../../management/client-secret.js'
import { asking, withManagement } from '../../management/with-management.js'

/** `mcp-auth clients rotate-secret` */
export const clientsRotateSecret = defineCommand({
  path: 'clients rotate-secret',
  arguments: [CLIENT_ARGUMENT],
  summary: 'Give a client a new secret, and show it this once',
  details:
    'The old secret is refused at once, on every server. Tokens that the client has stay good.',
  flags: [...secretFlags(), ...databaseFlags(), ...commonFlags()],
  examples: [
    {
      command:
        'npx @bestviable/mcp-auth-cli clients rotate-secret 5f0c6a7d1e9b4c2a8f3d6e0b7a1c9d54 --output reports-secret --force',
      explains: 'Into a file for you only',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli clients rotate-secret 5f0c6a7d1e9b4c2a8f3d6e0b7a1c9d54 --env-file .env',
      explains: 'To stdout',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...databaseOptions, ...secretOptions }),
  async run(context, options, [clientId = '']) {
    await requireTarget(options)
    await withManagement(context, options, async ({ management, actor }) => {
      const change = management.clients.rotateSecret(clientId, { actor })
      await writeSecret(context, await asking(CLIENT_NAMES, 'refused', change), options)
    })
  },
})
