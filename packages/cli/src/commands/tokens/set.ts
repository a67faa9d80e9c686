import type { Credential, CredentialInput, CredentialKey } from '@bestviable/mcp-auth-middleware'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { type CommandContext, defineCommand } from '../../command.js'
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
import { chooseProbe, requireAccepted } from '../../probes/probe.js'
import { requireWritable } from '../../stores/capabilities.js'
import { type OpenStore, withStore } from '../../stores/open-store.js'
import { readNewCredential } from './new-credential.js'
import {
  isSameCredential,
  previousKeyOf,
  replaceCredential,
  toInput,
} from './replace-credential.js'

const Options = z.strictObject({
  ...commonOptions,
  ...storeOptions,
  ...ownerOptions,
  probe: z._default(z.boolean(), false),
  probeUrl: z.optional(z.string()),
  keepOld: z._default(z.boolean(), false),
  fromPrevious: z._default(z.boolean(), false),
  stdin: z._default(z.enum(['text', 'json']), 'text'),
})

type SetOptions = z.infer<typeof Options>

/** What was done, for the report. */
interface SetResult {
  readonly action: 'created' | 'replaced' | 'unchanged'
  readonly version: string
  readonly keptAs: string | undefined
}

async function readInput(
  context: CommandContext,
  { store }: OpenStore,
  key: CredentialKey,
  options: SetOptions,
): Promise<CredentialInput> {
  if (!options.fromPrevious) {
    const question = `Credential for ${formatKey(key)}`
    return readNewCredential(context, { stdin: options.stdin, question })
  }
  const previousKey = previousKeyOf(key)
  const previous = await store.get(previousKey)
  if (previous !== undefined) return toInput(previous)
  throw new CommandFailure('refused', `nothing is kept under ${formatKey(previousKey)}`)
}

async function confirmLoss(
  { prompts, host }: CommandContext,
  key: CredentialKey,
  current: Credential,
  options: SetOptions,
): Promise<void> {
  if (options.keepOld || options.yes) return
  const question = `Replace the credential ${formatKey(key)}? The old value (version ${current.version}) is lost; --keep-old keeps it.`
  // What was piped is the credential, so that the answer cannot come the same way.
  if (host.isTerminal.stdin) return prompts.requireConfirmation(question)
  throw new CommandFailure(
    'usage',
    `a credential is stored for ${formatKey(key)} and would be lost; add --keep-old to keep it, or --yes to replace it`,
  )
}

async function setCredential(
  context: CommandContext,
  open: OpenStore,
  key: CredentialKey,
  options: SetOptions,
): Promise<SetResult> {
  const { store } = open
  const { host, output } = context
  const probe = chooseProbe(context, key.provider, options)
  const current = await store.get(key)
  const input = await readInput(context, open, key, options)
  // Also the second run of one that was killed: keeping the old value again would keep the new one.
  if (current !== undefined && isSameCredential(current, input)) {
    return { action: 'unchanged', version: current.version, keptAs: undefined }
  }
  if (current !== undefined) await confirmLoss(context, key, current, options)
  if (probe !== undefined) {
    output.note('asking the upstream API whether it accepts the credential')
    requireAccepted(await probe(input.secret), 'the old credential is in place')
  }
  host.signal.throwIfAborted()

  const previousKey = current !== undefined && options.keepOld ? previousKeyOf(key) : undefined
  if (previousKey !== undefined && current !== undefined)
    await store.set(previousKey, toInput(current))
  if (current !== undefined && !store.capabilities.compareAndSet) {
    output.warn(`the ${store.name} store cannot compare before it writes: the last writer wins`)
  }
  const { version } = await replaceCredential(store, key, current, input)
  const action = current === undefined ? 'created' : 'replaced'
  return { action, version, keptAs: previousKey?.provider }
}

const WORDS = { created: 'stored', replaced: 'replaced', unchanged: 'already stored:' } as const

/** `mcp-auth tokens set` */
export const tokensSet = defineCommand({
  path: 'tokens set',
  arguments: [{ name: '<provider>', description: 'upstream API, for example coda' }],
  summary: 'Store or replace one credential, read from a hidden prompt or from stdin',
  details:
    'The value is never taken from the command line. With --probe the upstream API is asked first: a refusal leaves the old credential in place (exit code 1), and so does an outage (exit code 4). What is stored is replaced only if nobody wrote meanwhile. Without --keep-old the old value is lost, which needs a confirmation.',
  flags: [
    new Option('--probe', 'store it only if the upstream API accepts it; knows coda'),
    new Option(
      '--probe-url <url>',
      'as --probe, by a GET with the value as Bearer token; 2xx passes',
    ),
    new Option('--keep-old', 'keep the replaced credential as provider <provider>-previous'),
    new Option('--from-previous', 'take the value from what --keep-old kept').conflicts('keepOld'),
    new Option('--stdin <form>', 'what stdin holds: a bare value, or a JSON document')
      .choices(['text', 'json'])
      .default('text'),
    ...ownerFlags(),
    ...storeFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli tokens set coda --probe --keep-old',
      explains: 'Replace the Coda token of the server, typed at a prompt',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli tokens set coda --store postgres < /run/secrets/coda',
      explains: 'From a file',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli tokens set coda --from-previous --probe --yes',
      explains: 'Go back to the credential that --keep-old kept',
    },
  ],
  options: Options,
  async run(context, options, [provider]) {
    const key = parseCredentialKey(provider, options)
    const set = async (open: OpenStore): Promise<void> => {
      requireWritable(open.store)
      const { action, version, keptAs } = await setCredential(context, open, key, options)
      const { kind, namespace } = open.settings
      const probed = options.probe || options.probeUrl !== undefined
      const document = { store: kind, namespace, ...key, action, version, probed, keptAs }
      context.output.result(document, () => [
        `${WORDS[action]} ${formatKey(key)} in the ${kind} store, version ${version}`,
        ...(keptAs === undefined ? [] : [`the old credential is kept as ${keptAs}`]),
      ])
    }
    await withStore(context, options, set, { write: true })
  },
})
