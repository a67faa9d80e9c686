import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type { ActiveSurvey } from './active/active-survey.js'
import type { RemoveClients } from './active/clean-up.js'
import { type ActiveRun, type ConfirmHosts, runActively } from './active/run-actively.js'
import { assess } from './assess.js'
import type { ClientId } from './check.js'
import { readConfigured, type ServerVariables } from './configuration/configured.js'
import { fetchDocuments } from './configuration/document-fetches.js'
import { askEndpoint, type Endpoint, findEndpoint } from './find-endpoint.js'
import { createProber, type Probe, type ProberOptions } from './http/prober.js'
import { createReach, type ResolveHost, resolveBySystem } from './http/reach.js'
import { outageOf } from './outage.js'
import { createReport, type DoctorReport, type ReportInput } from './report.js'
import { createRunClock, type RunClock } from './run-clock.js'
import { textOf } from './survey/metadata-document.js'
import { type Survey, surveyTarget } from './survey/survey.js'
import { surveyIssuedToken, surveyToken, type TokenSurvey } from './token/token-survey.js'

/** Deadlines of a run, in milliseconds. */
export interface DoctorDeadlines {
  /** Of one request. Default 5000. */
  readonly request?: number | undefined
  /** Of the whole run; what is not done by then is skipped. Default 30000. */
  readonly run?: number | undefined
}

/** Options of {@link runDoctor}. */
export interface DoctorOptions {
  /** URL of the MCP endpoint, as people enter it into their clients. */
  readonly url: string
  /** An access token that was refused. It is never in the report. */
  readonly token?: string | undefined
  /** Variables of the server, for the checks that only its configuration shows. */
  readonly config?: ServerVariables | undefined
  /** Leave out what does not matter to this client. */
  readonly client?: ClientId | undefined
  /** Register clients and sign in, and remove them afterwards. Only for servers of one's own. Default false. */
  readonly active?: boolean | undefined
  /** Removes what `active` registered, where the server itself offers no way (RFC 7592). */
  readonly removeClients?: RemoveClients | undefined
  /** Asked before `active` writes to hosts that are not this machine. Default: nobody is asked. */
  readonly confirm?: ConfirmHosts | undefined
  /** Default: the one of Node. */
  readonly fetch?: typeof fetch | undefined
  /** Tells where names lead, before they are asked. Default: the system, and with a `fetch` of one's own nothing. */
  readonly resolve?: ResolveHost | undefined
  readonly deadlines?: DoctorDeadlines | undefined
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
  /** Ends the run early; what was registered is removed even so. */
  readonly signal?: AbortSignal | undefined
}

const REQUEST_MILLISECONDS = 5000
const RUN_MILLISECONDS = 30_000

/**
 * Parses the URL of an endpoint.
 *
 * @throws {@link ConfigurationError} when it is no http(s) URL, or carries a user or a fragment.
 */
export function parseEndpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (
    url === undefined ||
    !isWeb ||
    url.username !== '' ||
    url.password !== '' ||
    url.hash !== ''
  ) {
    const message = 'must be an http(s) URL without a user and without a fragment'
    throw new ConfigurationError('runDoctor', [{ path: 'url', message }])
  }
  return url
}

async function readTokens(
  options: DoctorOptions,
  probe: Probe,
  survey: Survey,
  active: ActiveSurvey | undefined,
  now: number,
): Promise<TokenSurvey | undefined> {
  const seconds = Math.floor(now / 1000)
  if (options.token !== undefined) return surveyToken(probe, survey, options.token, seconds)
  const { tokens, mcp } = active?.session ?? {}
  const issued = textOf(tokens, 'access_token')
  if (issued === undefined || mcp === undefined) return undefined
  return surveyIssuedToken(probe, survey, issued, mcp, seconds)
}

/** What one run has at hand. */
interface Run {
  readonly options: DoctorOptions
  readonly given: URL
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly clock: RunClock
  /** Makes probers that reach what may be reached. */
  readonly prober: Omit<ProberOptions, 'signal'>
}

function actively(run: Run, probe: Probe, survey: Survey): Promise<ActiveRun> | undefined {
  const { options, startedAt, clock, prober } = run
  const { active: isActive = false, confirm, removeClients } = options
  if (!isActive) return undefined
  return runActively({ probe, survey, prober, clock, startedAt, confirm, removeClients })
}

async function examine(
  run: Run,
  probe: Probe,
  { target, anonymous }: Endpoint,
): Promise<Omit<ReportInput, 'startedAt' | 'given' | 'target' | 'outage'>> {
  const { config, client, token: given, now = Date.now } = run.options
  const survey = await surveyTarget(probe, target, anonymous)
  const [activeRun, documents] = await Promise.all([
    actively(run, probe, survey),
    config === undefined ? undefined : fetchDocuments(probe),
  ])
  const { active, cleanup, secrets = [], isFaulty = false } = activeRun ?? {}
  const token = await readTokens(run.options, probe, survey, active, now())
  const configured = config === undefined ? undefined : readConfigured(config, survey)
  let isIncomplete = isFaulty
  const evidence = { survey, active, token, configured, documents, client }
  const { checks, blockedBy } = assess(evidence, () => {
    isIncomplete = true
  })
  const tokens = given === undefined ? secrets : [given, ...secrets]
  const issuer = survey.server?.issuer
  return { checks, cleanup, issuer, tokens, isIncomplete, blockedBy }
}

async function look(run: Run): Promise<DoctorReport> {
  const { options, given, startedAt, clock, prober } = run
  let isCutOff = false
  const onCutOff = (): void => {
    isCutOff = true
  }
  const probe = createProber({ ...prober, signal: clock.signal, onCutOff })
  const first = await askEndpoint(probe, given)
  const outage = outageOf(first.anonymous)
  if (outage !== undefined)
    return createReport(options, { startedAt, given, target: given, outage })
  const endpoint = await findEndpoint(probe, first)
  const { isIncomplete = false, ...examined } = await examine(run, probe, endpoint)
  return createReport(options, {
    startedAt,
    given,
    target: endpoint.target,
    ...examined,
    isIncomplete: isIncomplete || isCutOff,
  })
}

/**
 * Looks at an MCP server as its clients do and tells what keeps them from connecting.
 *
 * Without `active` it only looks: GET, HEAD, OPTIONS and `initialize` without a good token. It follows no
 * redirect to another origin, reads at most 64 KiB of an answer, and asks no address of an inner network
 * for a public server. A server that cannot be reached is one outage, not 32 failures. No token is in the
 * report, also where a server repeats it.
 *
 * @throws {@link ConfigurationError} when the URL is none, and what `confirm` and `removeClients` reject
 * with before anything is registered. A server that is down is no error but a report.
 */
export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const { url, fetch = globalThis.fetch, deadlines = {}, now = Date.now, signal } = options
  const startedAt = now()
  const given = parseEndpointUrl(url)
  // A `fetch` of the caller goes where it likes, whatever names resolve to.
  const { resolve = fetch === globalThis.fetch ? resolveBySystem : undefined } = options
  const mayReach = createReach(given, resolve)
  const prober = { fetch, deadline: deadlines.request ?? REQUEST_MILLISECONDS, mayReach }
  const clock = createRunClock(deadlines.run ?? RUN_MILLISECONDS, signal)
  try {
    return await look({ options, given, startedAt, clock, prober })
  } finally {
    clock.stop()
  }
}
