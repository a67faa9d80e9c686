import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { readEnvNames } from '../../configuration/env-names.js'
import { formatKey, parseProvider } from '../../credential-key.js'
import { CommandFailure } from '../../failure.js'
import { requireFree, writePrivateFile } from '../../files/private-file.js'
import { commonFlags, commonOptions, storeFlags, storeOptions } from '../../flags.js'
import { withStore } from '../../stores/open-store.js'
import { checkExport, type ExportPlan, type Obstacle, planExport } from './export-env.js'

const EXPLANATIONS: Readonly<Record<Obstacle, string>> = {
  'no-variable': 'no variable name can be derived; give one in --env-names',
  'not-expressible': 'its characters cannot be written in this dialect; try --dialect docker',
  'more-than-a-value':
    'a variable holds no refresh token, end, scopes or metadata; --secrets-only leaves them out',
}

function requireComplete({ obstacles }: ExportPlan): void {
  if (obstacles.length === 0) return
  const lines = obstacles.map(
    ({ key, obstacle }) => `  ${formatKey(key)}: ${EXPLANATIONS[obstacle]}`,
  )
  throw new CommandFailure(
    'refused',
    `${obstacles.length} credentials cannot be exported; nothing was written\n${lines.join('\n')}`,
  )
}

/** `mcp-auth export` */
export const exportCredentials = defineCommand({
  path: 'export',
  summary: 'Write the credentials of a store into a file of variables, the way back to phase 1',
  details:
    'The file holds secrets in plain text. It is made for its owner only (0600), read back as a server would read it, and compared credential by credential before it gets its name. --dialect dotenv is for dotenv, Compose and node --env-file, which take quotes away; docker is for docker run --env-file, which does not.',
  flags: [
    new Option('--format <format>', 'format of the file').choices(['env']).makeOptionMandatory(),
    new Option('--output <file>', 'file to write').makeOptionMandatory(),
    new Option('--dialect <name>', 'who reads the file')
      .choices(['dotenv', 'docker'])
      .default('dotenv'),
    new Option('--provider <name>', 'only credentials of this provider'),
    new Option('--secrets-only', 'leave out what a variable cannot hold'),
    new Option('--force', 'replace the file when it is there'),
    ...storeFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command:
        'npx @bestviable/mcp-auth-cli export --format env --output coda.env --store postgres',
      explains: 'All credentials of the default namespace',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli export --format env --output coda.env --dialect docker --provider coda --store infisical',
      explains: 'Those of one provider, for docker run --env-file',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...storeOptions,
    format: z.literal('env'),
    output: z.string(),
    dialect: z.enum(['dotenv', 'docker']),
    provider: z.optional(z.string()),
    secretsOnly: z._default(z.boolean(), false),
    force: z._default(z.boolean(), false),
  }),
  async run(context, options) {
    const { dialect, output: path, secretsOnly, force } = options
    const provider = options.provider === undefined ? undefined : parseProvider(options.provider)
    const file = { flag: '--output', replace: force }
    await requireFree(path, file)
    const naming = await readEnvNames(options.envNames)
    await withStore(context, options, async ({ store, settings }) => {
      const { signal } = context.host
      const plan = await planExport(store, { naming, dialect, provider, secretsOnly, signal })
      requireComplete(plan)
      const { entries } = plan
      await writePrivateFile(path, file, async (handle, draft) => {
        await handle.writeFile(entries.map(({ line }) => line).join(''))
        await checkExport(draft, entries, { naming, dialect })
      })
      const { kind, namespace } = settings
      const variables = entries.map(({ variable }) => variable)
      context.output.result(
        { store: kind, namespace, dialect, output: path, compared: entries.length, variables },
        () => [
          `wrote ${entries.length} credentials to ${path}, read back and compared`,
          ...variables.map((variable) => `  ${variable}`),
        ],
      )
    })
  },
})
