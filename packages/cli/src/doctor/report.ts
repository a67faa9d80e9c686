import {
  CHECK_IDS,
  type CheckId,
  type CheckResult,
  type CheckStatus,
  type ClientId,
} from './check.js'
import { skipped, toResult } from './checks/verdict.js'
import { isLoopback } from './http/addresses.js'
import { maskUrl, quote, showUrl } from './http/quote.js'
import { createRedactor } from './output/redact.js'
import { mapTexts } from './output/report-texts.js'
import type { DoctorOptions } from './run-doctor.js'

/** Why nothing could be checked. One of these stands for all checks that could not be made. */
export interface Outage {
  /** `answer`: the server answered, with a status that says that it is down. */
  readonly kind: 'dns' | 'refused' | 'tls' | 'timeout' | 'connection' | 'answer'
  /** What it means, for people. */
  readonly message: string
}

/** What `--active` made at the authorization server, and what came of it. */
export interface Cleanup {
  readonly registered: number
  readonly removed: number
  /** Ids of clients that are still there, for the operator to remove. */
  readonly left: readonly string[]
  /** Why the operator's own way to remove them failed. */
  readonly failure?: string | undefined
}

/** What a doctor's run found. */
export interface DoctorReport {
  /** As it was given, without the values of its query. */
  readonly url: string
  /** The URL that was checked: the same, or the one with its path when that was left out or mistyped. */
  readonly checkedUrl: string
  readonly client: ClientId | undefined
  readonly active: boolean
  /**
   * `unreachable`: the server did not answer, see `outage`; every check is skipped. `incomplete`: nothing
   * failed, and not everything was seen: the run was over, or a fault for other clients was in the way.
   */
  readonly outcome: 'passed' | 'warnings' | 'failed' | 'incomplete' | 'unreachable'
  readonly outage: Outage | undefined
  readonly issuer: string | undefined
  /** ISO 8601. */
  readonly startedAt: string
  readonly milliseconds: number
  /** How many checks ended in each way. */
  readonly counts: Readonly<Record<CheckStatus, number>>
  /** All 32 checks in the order of their ids; with `client` those that can matter to it. */
  readonly checks: readonly CheckResult[]
  /** Remarks on the whole, for example the URL to use, or causes outside the server. */
  readonly remarks: readonly string[]
  /** Absent without `active`. */
  readonly cleanup: Cleanup | undefined
}

/** What {@link createReport} is made of. */
export interface ReportInput {
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly given: URL
  readonly target: URL
  readonly outage?: Outage | undefined
  readonly checks?: readonly CheckResult[] | undefined
  readonly cleanup?: Cleanup | undefined
  readonly issuer?: string | undefined
  /** Whether something was cut off by the end of the run, so that nothing can be said of it. */
  readonly isIncomplete?: boolean | undefined
  /** Faults for other clients, because of which nothing can be said of something for the chosen one. */
  readonly blockedBy?: readonly CheckId[] | undefined
  /** Tokens of the run, which are left out of every text. */
  readonly tokens?: readonly string[] | undefined
}

/** Causes outside the server, for when every check passes and a client does not connect even so. */
export const CLIENT_SIDE_CAUSES: readonly string[] = [
  'Server-side checks pass. When a client does not connect even so, these are the known causes on its side:',
  '- the client remembers an earlier attempt: remove the connector and add it again',
  '- a static Authorization header is configured in the client, which then does not sign in (DR-31)',
  '- a firewall knows the addresses of vendors, which cannot be seen from here (DR-26)',
  '- the flow stops inside the service of the vendor, as in claude-ai-mcp issues #217, #315, #386, #872, #900 and #980: nothing on the server helps there',
]

/** What is still at the authorization server, and how to remove it. */
export function remarksOnLeft({ registered, left, failure }: Cleanup): readonly string[] {
  if (left.length === 0) return []
  const cause = failure === undefined ? '' : ` (${failure})`
  return [
    `${left.length} of ${registered} registered clients could not be removed${cause}; they are named "mcp-auth doctor …". Run with --config beside the database, or remove each: mcp-auth clients revoke <client-id>`,
    ...left.map((id) => `- ${quote(id, 200)}`),
  ]
}

function remarksOn(
  { given, target, cleanup, isIncomplete = false, blockedBy = [] }: ReportInput,
  outcome: DoctorReport['outcome'],
): readonly string[] {
  const remarks: string[] = []
  if (given.href !== target.href) {
    remarks.push(
      `${showUrl(given)} is not the endpoint; it is ${showUrl(target)}, which was checked. Give people that URL`,
    )
  }
  if (isLoopback(target.hostname) && outcome !== 'unreachable') {
    remarks.push(
      'this server is on this machine: ChatGPT and the Claude apps cannot reach it, and clients need https elsewhere. Check again by its public URL',
    )
  }
  if (cleanup !== undefined) remarks.push(...remarksOnLeft(cleanup))
  if (isIncomplete) {
    remarks.push(
      'the run was over before everything was seen, so that this is not the whole picture. Run again with a longer --timeout',
    )
  }
  if (outcome === 'incomplete' && blockedBy.length > 0) {
    remarks.push(
      `${blockedBy.join(' and ')} failed, for other clients, and hid from the doctor what matters to this one. Run without --client, and mend that first`,
    )
  }
  if (outcome === 'passed') remarks.push(...CLIENT_SIDE_CAUSES)
  return remarks
}

function outcomeOf(
  counts: DoctorReport['counts'],
  { isIncomplete = false, blockedBy = [] }: ReportInput,
): DoctorReport['outcome'] {
  if (counts.failed > 0) return 'failed'
  if (isIncomplete || blockedBy.length > 0) return 'incomplete'
  return counts.warning > 0 ? 'warnings' : 'passed'
}

/** Puts a report together. */
export function createReport(options: DoctorOptions, input: ReportInput): DoctorReport {
  const { startedAt, given, target, outage, tokens = [] } = input
  const { client, active = false, now = Date.now } = options
  const nothing = (): readonly CheckResult[] =>
    CHECK_IDS.map((id) => toResult(id, skipped('the server could not be reached')))
  const checks = input.checks ?? nothing()
  const count = (status: CheckStatus): number =>
    checks.filter((each) => each.status === status).length
  const counts = {
    passed: count('passed'),
    failed: count('failed'),
    warning: count('warning'),
    skipped: count('skipped'),
  }
  const outcome = outage === undefined ? outcomeOf(counts, input) : 'unreachable'
  const report: DoctorReport = {
    url: maskUrl(given),
    checkedUrl: maskUrl(target),
    client,
    active,
    outcome,
    outage,
    issuer: input.issuer,
    startedAt: new Date(startedAt).toISOString(),
    milliseconds: now() - startedAt,
    counts,
    checks,
    remarks: remarksOn(input, outcome),
    cleanup: input.cleanup,
  }
  return mapTexts(report, createRedactor({ tokens, target }))
}

/** Ids of the checks of a report that ended in one way. */
export function idsWith(report: DoctorReport, status: CheckStatus): readonly CheckId[] {
  return report.checks.filter((check) => check.status === status).map(({ id }) => id)
}
