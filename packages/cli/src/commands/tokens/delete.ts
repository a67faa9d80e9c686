import {
  type Credential,
  type CredentialKey,
  isAuthError,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { formatKey, parseCredentialKey } from '../../credential-key.js'
import { CommandFailure } from '../../failure.js'
import {
  commonFlags,
  commonOptions,
  ownerFlags,
  ownerOptions,
  storeFlags,
  storeOptions,
} from '../../flags.js'
import { requireWritable } from '../../stores/capabilities.js'
import { withStore } from '../../stores/open-store.js'

/** Reads what is to be deleted. A damaged record can be deleted too, which is how one is mended. */
async function readOrDamaged(
  store: TokenStore,
  key: CredentialKey,
): Promise<Credential | 'damaged' | undefined> {
  try {
    return await store.get(key)
  } catch (error) {
    if (isAuthError(error) && error.code === 'ERR_STORE_INTEGRITY') return 'damaged'
    throw error
  }
}

/** `mcp-auth tokens delete` */
export const tokensDelete = defineCommand({
  path: 'tokens delete',
  arguments: [{ name: '<provider>', description: 'upstream API, for example coda' }],
  summary: 'Remove one credential, after a confirmation',
  details:
    'Removes the version that was there when it asked and no later one, where the store can decide that. A credential that is already absent is no error. During a migration give --tombstone, so that the copy does not bring it back.',
  flags: [
    new Option('--tombstone', 'leave a mark that a migration does not copy it again'),
    ...ownerFlags(),
    ...storeFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli tokens delete coda-previous --store postgres',
      explains: 'Remove what --keep-old kept',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli tokens delete coda --issuer https://login.example.com --subject ann --yes',
      explains: 'Remove the credential of one user without being asked',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...storeOptions,
    ...ownerOptions,
    tombstone: z._default(z.boolean(), false),
  }),
  async run(context, options, [provider]) {
    const key = parseCredentialKey(provider, options)
    const { tombstone } = options
    await withStore(context, options, async ({ store, settings }) => {
      const { kind, namespace } = settings
      requireWritable(store)
      if (tombstone && !store.capabilities.tombstone) {
        throw new CommandFailure('refused', `the ${kind} store has no tombstones`)
      }
      const found = await readOrDamaged(store, key)
      const report = (deleted: boolean) =>
        context.output.result({ store: kind, namespace, ...key, deleted, tombstone }, () => [
          deleted ? `deleted ${formatKey(key)}` : `nothing was stored for ${formatKey(key)}`,
        ])
      if (found === undefined && !tombstone) return report(false)
      if (found !== undefined) {
        const what = found === 'damaged' ? 'damaged record of the credential' : 'credential'
        await context.prompts.requireConfirmation(
          `Delete the ${what} ${formatKey(key)} from the ${kind} store, namespace ${namespace}?`,
        )
      }
      const version = found === 'damaged' ? undefined : found?.version
      const condition =
        version !== undefined && store.capabilities.compareAndSet ? { ifVersion: version } : {}
      report(await store.delete(key, { ...condition, ...(tombstone && { tombstone }) }))
    })
  },
})
