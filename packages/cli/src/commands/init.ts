import { relative, resolve } from 'node:path'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../command.js'
import { CommandFailure } from '../failure.js'
import { commonFlags, commonOptions } from '../flags.js'
import { completeAnswers } from '../init/answers.js'
import { namesOf, STORES, type Store, WAYS_IN, type WayIn } from '../init/choices.js'
import { composeServer } from '../init/compose.js'
import { placeFiles } from '../init/place-files.js'
import { shellWord } from '../init/shell-word.js'

const wayInNames = namesOf(WAYS_IN)
const storeNames = namesOf(STORES)

/** What a person types next. */
function nextCommands(folder: string, wayIn: WayIn): readonly string[] {
  const below = relative(process.cwd(), resolve(folder))
  const path = below.startsWith('..') ? resolve(folder) : below
  return [
    ...(path === '' ? [] : [`cd ${shellWord(path)}`]),
    'npm install',
    'npm test',
    ...(wayIn === 'embedded' ? [] : ['cp .env.example .env   # then fill it in, see README.md']),
    ...(wayIn === 'local-bearer' ? ['npm run make-token'] : []),
    'npm run dev',
  ]
}

/** `mcp-auth init` */
export const init = defineCommand({
  path: 'init',
  summary: 'Make a new MCP server in a folder, with a way in and a store',
  details:
    'TypeScript, MCP SDK v2, Express, a tool, tests, Dockerfile and a workflow; nothing in it is for choices that were not made. Asks for what is not given. Never replaces a file: a folder that has one of them is refused, and all of them are written or none.',
  arguments: [{ name: '[folder]', description: 'where to make it; "." for the current folder' }],
  flags: [
    new Option('--name <name>', 'name of its npm package; the name of the folder without it'),
    new Option('--way-in <name>', 'how callers come in').choices(wayInNames),
    new Option('--store <name>', 'where upstream credentials are kept').choices(storeNames),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli init my-server',
      explains: 'Asks for the way in and the store',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli init my-server --way-in stytch --store postgres',
      explains: 'Asks nothing, for a script',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli init my-server --yes',
      explains: 'With the defaults: an embedded authorization server, credentials in variables',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    name: z.optional(z.string()),
    wayIn: z.optional(z.custom<WayIn>((value) => wayInNames.includes(value as WayIn))),
    store: z.optional(z.custom<Store>((value) => storeNames.includes(value as Store))),
  }),
  async run({ host, output, prompts }, { name, wayIn, store, yes, color }, [folder]) {
    const answers = await completeAnswers(
      { folder, name, wayIn, store },
      { host, available: prompts.available, yes, color },
    )
    // Loaded when it is used: no other command needs the template.
    const { packageVersion, templateFiles } = await import('../init/template.js')
    if (Object.keys(templateFiles).length === 0) {
      throw new CommandFailure('configuration', 'this build of mcp-auth has no template in it')
    }
    const files = composeServer({
      ...answers,
      version: packageVersion,
      template: templateFiles,
    })
    await placeFiles(answers.folder, files, { signal: host.signal })

    const next = nextCommands(answers.folder, answers.wayIn)
    output.result({ ...answers, files: [...files.keys()], next }, () => [
      `made ${answers.name} with ${files.size} files: ${answers.wayIn}, ${answers.store}`,
      '',
      ...next.map((command) => `  ${command}`),
    ])
  },
})
