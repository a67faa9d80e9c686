import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { describeSigningKeys } from '../../management/signing-key-command.js'
import { withManagement } from '../../management/with-management.js'

/** `mcp-auth signing-keys rotate` */
export const signingKeysRotate = defineCommand({
  path: 'signing-keys rotate',
  summary: 'Make the next key that signs access tokens',
  details:
    'It is published at once and signs seven minutes later, when every server has it; no token is refused meanwhile. With --compromised, after a confirmation, the old keys are removed now and with them every access token; clients refresh. Servers follow within a minute, and refuse tokens of removed keys within a second.',
  flags: [
    new Option('--compromised', 'remove the old keys, and end their access tokens'),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli signing-keys rotate --env-file .env',
      explains: 'A rotation that nobody notices',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli signing-keys rotate --compromised --yes',
      explains: 'A key was stolen',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    compromised: z._default(z.boolean(), false),
  }),
  async run(context, { compromised, ...flags }) {
    await withManagement(context, flags, async ({ management, actor }) => {
      if (compromised) {
        await context.prompts.requireConfirmation(
          'Remove the old signing keys and end every access token that they signed?',
        )
      }
      const keys = await management.signingKeys.rotate({ compromised, actor })
      context.output.result({ keys }, () => describeSigningKeys(keys))
    })
  },
})
