import * as z from 'zod/mini'
import { defineCommand } from '../command.js'
import { commonFlags, commonOptions, storeFlags, storeOptions } from '../flags.js'
import { withStore } from '../stores/open-store.js'

/** `mcp-auth store check` */
export const storeCheck = defineCommand({
  path: 'store check',
  summary: 'Tell whether a store can be used now, and what it can do',
  details:
    'Checks the settings, the connection, the login and the encryption keys. Reads no credential.',
  flags: [...storeFlags(), ...commonFlags()],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli store check --store infisical',
      explains: 'Before a migration: is the login right, is the project there',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli store check --store postgres --env-file .env --json',
      explains: 'With the variables of a server, for a script',
    },
  ],
  options: z.strictObject({ ...commonOptions, ...storeOptions }),
  async run(context, options) {
    await withStore(context, options, async ({ store, settings }) => {
      await store.check()
      const { kind, namespace } = settings
      const { capabilities } = store
      context.output.result({ store: kind, namespace, ok: true, capabilities }, () => [
        `the ${kind} store can be used, namespace ${namespace}`,
        ...Object.entries(capabilities).map(([name, able]) => `${name}: ${able ? 'yes' : 'no'}`),
      ])
    })
  },
})
