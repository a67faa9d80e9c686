import type { CredentialKey } from '@bestviable/mcp-auth-middleware'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { formatOwner, parseProvider } from '../../credential-key.js'
import { commonFlags, commonOptions, storeFlags, storeOptions } from '../../flags.js'
import { formatTable } from '../../output/table.js'
import { withStore } from '../../stores/open-store.js'

function compareKeys(left: CredentialKey, right: CredentialKey): number {
  const [a, b] = [left, right].map((key) => JSON.stringify([key.provider, formatOwner(key.owner)]))
  return (a ?? '') < (b ?? '') ? -1 : 1
}

/** `mcp-auth tokens list` */
export const tokensList = defineCommand({
  path: 'tokens list',
  summary: 'List the credentials of a namespace, never their values',
  flags: [
    new Option('--provider <name>', 'only credentials of this provider'),
    ...storeFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli tokens list --store postgres',
      explains: 'All credentials of the default namespace',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli tokens list --provider coda --json',
      explains: 'Those of one provider, for a script',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...storeOptions,
    provider: z.optional(z.string()),
  }),
  async run(context, options) {
    const provider = options.provider === undefined ? undefined : parseProvider(options.provider)
    await withStore(context, options, async ({ store, settings }) => {
      const keys: CredentialKey[] = []
      for await (const key of store.keys({ provider })) {
        context.host.signal.throwIfAborted()
        keys.push(key)
      }
      keys.sort(compareKeys)
      const { namespace, kind } = settings
      context.output.result({ store: kind, namespace, credentials: keys }, () =>
        keys.length === 0
          ? [`no credentials in the ${kind} store, namespace ${namespace}`]
          : formatTable(
              ['PROVIDER', 'OWNER'],
              keys.map((key) => [key.provider, formatOwner(key.owner)]),
            ),
      )
    })
  },
})
