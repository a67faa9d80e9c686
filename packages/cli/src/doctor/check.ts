import type { ClientId } from './clients.js'
import { CHECKS } from './definitions.js'

export { CLIENT_IDS, CLIENT_NAMES, type ClientId } from './clients.js'

/** Id of a check, as it is printed and as `docs/TROUBLESHOOTING.md` has it for an anchor. */
export type CheckId = keyof typeof CHECKS

/** What a check can do to a client: `error` blocks some of them, `warning` degrades. */
export type Severity = 'error' | 'warning'

/** One check, before it was made. */
export interface CheckDefinition {
  readonly title: string
  /** The worst that it can find. A check of severity `warning` is never `failed`. */
  readonly severity: Severity
  /** Heading that it is printed under. */
  readonly group: CheckGroup
  /** Clients that suffer when it fails. A finding can name fewer. */
  readonly breaks: readonly ClientId[]
  /** What must be allowed or given before it can be made. Without: it only looks. */
  readonly needs?: 'active' | 'token' | 'config'
}

/** Headings of the output, in their order. */
export const CHECK_GROUPS = [
  'Challenge',
  'Protected resource metadata',
  'Authorization server metadata',
  'Registration',
  'Authorization and tokens',
  'Browsers, proxies and firewalls',
] as const

/** Heading of the output. */
export type CheckGroup = (typeof CHECK_GROUPS)[number]

/**
 * How a check ended. `failed`: some client cannot connect. `warning`: all connect, and some are worse off.
 * `skipped`: it was not made, since something that it builds on failed, or was not allowed or given.
 */
export type CheckStatus = 'passed' | 'failed' | 'warning' | 'skipped'

/** One thing that a check found wrong. */
export interface Finding {
  readonly level: 'failed' | 'warning'
  /** The request, for example `POST https://coda.example.com/mcp (initialize, no token)`. */
  readonly sent: string
  /** The part of the answer that matters, quoted as JSON and capped. */
  readonly received: string
  /** Why that is wrong. */
  readonly reason: string
  /** What to change. */
  readonly fix: string
  readonly clients: readonly ClientId[]
}

/** What came of one check. */
export interface CheckResult {
  readonly id: CheckId
  readonly title: string
  readonly severity: Severity
  readonly group: CheckGroup
  readonly status: CheckStatus
  /** One sentence: what was seen, what is wrong, or why it was skipped. */
  readonly reason: string
  /** Empty unless `failed` or `warning`; the worst one first. */
  readonly findings: readonly Finding[]
  /** Clients that suffer, of all findings. Empty unless `failed` or `warning`. */
  readonly clients: readonly ClientId[]
  /** Things to know that are no fault of the server. */
  readonly hints: readonly string[]
  /** Address of the check in the documentation. */
  readonly link: string
}

/** Every check, in the order of the ids. */
export const CHECK_IDS: readonly CheckId[] = Object.keys(CHECKS) as CheckId[]

/** Definition of one check. */
export function definitionOf(id: CheckId): CheckDefinition {
  return CHECKS[id]
}

/** Where the causes and fixes of every check are explained, one anchor each. */
export const TROUBLESHOOTING =
  'https://github.com/bestviable/mcp-auth-middleware/blob/main/docs/TROUBLESHOOTING.md'

/** Address of a check in the documentation. */
export function linkOf(id: CheckId): string {
  return `${TROUBLESHOOTING}#${id.toLowerCase()}`
}
