import { isAuthError } from '@bestviable/mcp-auth-middleware'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { type CommandContext, defineCommand } from '../../command.js'
import { readVariables } from '../../configuration/environment.js'
import { CLIENT_IDS, TROUBLESHOOTING } from '../../doctor/check.js'
import { createRemoveClients } from '../../doctor/configuration/own-clients.js'
import { quote } from '../../doctor/http/quote.js'
import { formatReport } from '../../doctor/output/format-report.js'
import { type DoctorReport, remarksOnLeft } from '../../doctor/report.js'
import { type DoctorOptions, parseEndpointUrl, runDoctor } from '../../doctor/run-doctor.js'
import { CommandFailure } from '../../failure.js'
import {
  commonFlags,
  commonOptions,
  countUpTo,
  databaseFlags,
  databaseOptions,
} from '../../flags.js'
import { createColors, usesColors } from '../../output/colors.js'
import { readAccessToken } from './read-token.js'
import { watchServer } from './watch.js'

const DEFAULT_SECONDS = 30
const DEFAULT_INTERVAL = 5

const Options = z.strictObject({
  ...commonOptions,
  ...databaseOptions,
  client: z.optional(z.enum(CLIENT_IDS)),
  active: z._default(z.boolean(), false),
  config: z.optional(z.union([z.literal(true), z.string()])),
  token: z._default(z.boolean(), false),
  strict: z._default(z.boolean(), false),
  watch: z._default(z.boolean(), false),
  interval: z._default(z.number(), DEFAULT_INTERVAL),
  timeout: z._default(z.number(), DEFAULT_SECONDS),
})

type Flags = z.infer<typeof Options>

/** The URL of the command line, which is never repeated: what was typed may be a token. */
function parseUrl(text: string): URL {
  try {
    return parseEndpointUrl(text)
  } catch (error) {
    if (!isAuthError(error)) throw error
    throw new CommandFailure(
      'usage',
      'the URL must be http(s), without a user and a fragment, such as https://coda.example.com/mcp',
    )
  }
}

function requireCompatible({ watch, active }: Flags): void {
  if (!watch || !active) return
  const message =
    '--watch and --active exclude each other: clients would be registered every few seconds'
  throw new CommandFailure('usage', message)
}

/** Registering at the server of somebody else is nothing to do by accident. */
function confirmHosts({ prompts }: CommandContext, hosts: readonly string[]): Promise<void> {
  return prompts.requireConfirmation(
    `Register test clients at the authorization server ${hosts.map((host) => quote(host)).join(', ')} and remove them again? Do so on servers of your own only.`,
  )
}

async function prepare(context: CommandContext, url: URL, flags: Flags): Promise<DoctorOptions> {
  const { host, variables } = context
  const { client, active, config, token, timeout } = flags
  const configured =
    typeof config === 'string'
      ? { ...readVariables({}, config, '--config'), ...variables }
      : variables
  const own = { ...context, variables: configured }
  return {
    url: url.href,
    client,
    active,
    token: token ? await readAccessToken(context) : undefined,
    config: config === undefined ? undefined : configured,
    confirm: (hosts) => confirmHosts(context, hosts),
    removeClients: active && config !== undefined ? createRemoveClients(own, flags) : undefined,
    fetch: host.fetch,
    now: host.now,
    signal: host.signal,
    deadlines: { run: timeout * 1000 },
  }
}

function requireHealthy(report: DoctorReport, { strict, client }: Flags): void {
  const { outcome, outage, counts, cleanup } = report
  if (outage !== undefined) throw new CommandFailure('unavailable', outage.message)
  if (outcome === 'incomplete') {
    const fix = client === undefined ? '' : ', or without --client where the report says so'
    const message = `not everything was seen; run again with a longer --timeout${fix}`
    throw new CommandFailure('unavailable', message)
  }
  const left = cleanup?.left.length ?? 0
  const isFailed = outcome === 'failed' || (strict && (outcome === 'warnings' || left > 0))
  if (!isFailed) return
  const warnings =
    strict && counts.warning > 0 ? `, and ${counts.warning} ended with a warning` : ''
  const failed = counts.failed === 1 ? '1 check failed' : `${counts.failed} checks failed`
  const clients = strict && left > 0 ? `, and ${left} registered clients could not be removed` : ''
  throw new CommandFailure('refused', `${failed}${warnings}${clients}`)
}

/** `mcp-auth doctor` */
export const doctor = defineCommand({
  path: 'doctor',
  arguments: [{ name: '<url>', description: 'URL of the MCP endpoint, as people enter it' }],
  summary: 'Tell why AI clients will not connect to an MCP server, and what to change',
  details: `Looks at the server as clients do, and follows them through challenge, metadata, registration and sign-in. Without --active it changes nothing. Each check has an id, DR-1 to DR-32, which is explained at ${TROUBLESHOOTING}. Ends with 1 when a check failed, and with 4 when the server cannot be reached or the time did not suffice.`,
  flags: [
    new Option('--client <name>', 'only what matters to this client').choices(CLIENT_IDS),
    new Option('--active', 'register clients and sign in too, then remove them; own servers only'),
    new Option(
      '--config [file]',
      'check the variables of the server too, with those of a dotenv file',
    ),
    new Option(
      '--token',
      'tell why an access token is refused; from a prompt, a variable or stdin',
    ),
    new Option('--strict', 'warnings fail too'),
    new Option('--watch', 'check again and again, and write what is different'),
    new Option('--interval <seconds>', 'with --watch: time between two runs')
      .argParser(countUpTo(3600))
      .default(DEFAULT_INTERVAL),
    new Option('--timeout <seconds>', 'what is not done by then is skipped')
      .argParser(countUpTo(600))
      .default(DEFAULT_SECONDS),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli doctor https://coda.example.com/mcp',
      explains: 'Why will ChatGPT or Claude not connect?',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli doctor http://localhost:8080/mcp --active --config .env --strict',
      explains: 'Before a release, in CI: with real registrations and a sign-in',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli doctor https://coda.example.com/mcp --token',
      explains: 'Why is this token refused? It is typed at a hidden prompt',
    },
  ],
  options: Options,
  async run(context, flags, [text = '']) {
    const { host, output } = context
    requireCompatible(flags)
    const url = parseUrl(text)
    const options = await prepare(context, url, flags)
    if (flags.watch) {
      const { interval, color } = flags
      const run = (): Promise<DoctorReport> => runDoctor(options)
      return watchServer(context, { intervalMilliseconds: interval * 1000, color, run })
    }
    const report = await runDoctor(options)
    if (host.signal.aborted && report.cleanup !== undefined) {
      // The report of an interrupted run says nothing, and its clients are there even so.
      for (const remark of remarksOnLeft(report.cleanup)) output.warn(remark)
    }
    host.signal.throwIfAborted()
    const colors = createColors(usesColors(host, 'stdout', flags.color))
    // One line on stderr says it all for people; programs get the report as always.
    if (report.outage === undefined || output.json) {
      output.result({ ...report }, () => formatReport(report, { colors, quiet: output.quiet }))
    }
    requireHealthy(report, flags)
  },
})
