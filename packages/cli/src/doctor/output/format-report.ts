import type { Colors } from '../../output/colors.js'
import { escapeUnsafe } from '../../output/unsafe-characters.js'
import {
  CHECK_GROUPS,
  type CheckResult,
  type CheckStatus,
  CLIENT_NAMES,
  type Finding,
} from '../check.js'
import { quote } from '../http/quote.js'
import type { DoctorReport } from '../report.js'
import { mapTexts } from './report-texts.js'

const WORDS: Readonly<Record<CheckStatus, string>> = {
  passed: 'pass',
  failed: 'FAIL',
  warning: 'warn',
  skipped: 'skip',
}

const ID_WIDTH = 5
const INDENT = ' '.repeat(13)
const LABEL_WIDTH = 10

function paint(colors: Colors, status: CheckStatus): string {
  const word = WORDS[status]
  if (status === 'passed') return colors.green(word)
  if (status === 'failed') return colors.red(word)
  return status === 'warning' ? colors.yellow(word) : colors.dim(word)
}

const TEXT_WIDTH = 78

/** Breaks a text at blanks; what has none is as long as it is. */
function wrap(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > TEXT_WIDTH && line !== '') lines.push(line)
    line = longer.length > TEXT_WIDTH && line !== '' ? word : longer
  }
  return [...lines, line]
}

function field(label: string, text: string): readonly string[] {
  return wrap(text).map(
    (line, at) => `${INDENT}${(at === 0 ? label : '').padEnd(LABEL_WIDTH)}${line}`,
  )
}

function formatFinding(
  { level, sent, received, reason, fix, clients }: Finding,
  { colors, isFixNext }: { readonly colors: Colors; readonly isFixNext: boolean },
): readonly string[] {
  const names = clients.map((client) => CLIENT_NAMES[client]).join(', ')
  const breaks = level === 'failed' ? 'breaks' : 'degrades'
  return [
    ...field('sent', sent),
    ...field('received', received),
    ...field('why', reason),
    ...(names === '' ? [] : field(breaks, names)),
    // One that several have is written below the last of them.
    ...(isFixNext ? [] : field('fix', fix).map((line) => colors.bold(line))),
  ]
}

/** One check: a line, and below it what was found. */
function formatCheck(check: CheckResult, colors: Colors): readonly string[] {
  const { id, title, status, reason, findings, hints, link } = check
  const line = `  ${paint(colors, status)}  ${id.padEnd(ID_WIDTH)}  ${title}`
  if (status === 'skipped') return [`${line} ${colors.dim(`(${reason})`)}`]
  if (status === 'passed') {
    return [line, ...hints.flatMap((hint) => field('note', hint)).map((line) => colors.dim(line))]
  }
  return [
    line,
    ...findings.flatMap((finding, at) =>
      formatFinding(finding, { colors, isFixNext: findings[at + 1]?.fix === finding.fix }),
    ),
    ...hints.flatMap((hint) => field('note', hint)),
    ...field('more', link),
  ]
}

/** How many checks ended in each way, and how long it took. */
export function formatCounts({ counts, milliseconds }: DoctorReport): string {
  const warnings = `${counts.warning} ${counts.warning === 1 ? 'warning' : 'warnings'}`
  const seconds = (milliseconds / 1000).toFixed(1)
  return `${counts.passed} passed, ${counts.failed} failed, ${warnings}, ${counts.skipped} skipped in ${seconds} s`
}

function formatHead({ checkedUrl, issuer, client, active }: DoctorReport): string {
  const parts = [
    ...(issuer === undefined
      ? []
      : [`issuer ${/^[\x21-\x7e]{1,200}$/.test(issuer) ? issuer : quote(issuer)}`]),
    ...(client === undefined ? [] : [`for ${CLIENT_NAMES[client]}`]),
    ...(active ? ['active'] : []),
  ]
  return `${checkedUrl}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}

/** Options of {@link formatReport}. */
export interface FormatOptions {
  readonly colors: Colors
  /** Leave out what passed and what was skipped. */
  readonly quiet: boolean
}

/** Writes a report for people, by groups. */
export function formatReport(
  given: DoctorReport,
  { colors, quiet }: FormatOptions,
): readonly string[] {
  // What a check let through unquoted still reaches no terminal.
  const report = mapTexts(given, escapeUnsafe)
  const shown = report.checks.filter(
    ({ status }) => !quiet || status === 'failed' || status === 'warning',
  )
  const groups = CHECK_GROUPS.flatMap((group) => {
    const checks = shown.filter((check) => check.group === group)
    if (checks.length === 0) return []
    return ['', colors.bold(group), ...checks.flatMap((check) => formatCheck(check, colors))]
  })
  const { cleanup } = report
  const cleaned =
    cleanup === undefined
      ? []
      : [`registered ${cleanup.registered} clients and removed ${cleanup.removed}`]
  const remarks = report.remarks.length === 0 ? [] : ['', ...report.remarks]
  return [formatHead(given), ...groups, '', formatCounts(report), ...cleaned, ...remarks]
}

/** Says what is different from the report before, one line for each check. */
export function formatChanges(
  earlier: DoctorReport,
  later: DoctorReport,
  colors: Colors,
): readonly string[] {
  const [before, after] = [mapTexts(earlier, escapeUnsafe), mapTexts(later, escapeUnsafe)]
  if (after.outage !== undefined) {
    return before.outage?.message === after.outage.message
      ? []
      : [`unreachable: ${after.outage.message}`]
  }
  const statuses = new Map(
    before.checks.map(({ id, status, reason }) => [id, `${status} ${reason}`]),
  )
  const changed = after.checks.filter(
    ({ id, status, reason }) => statuses.get(id) !== `${status} ${reason}`,
  )
  if (changed.length === 0 && before.outage === undefined) return []
  const relevant = changed.filter(
    ({ id, status }) =>
      status === 'failed' ||
      status === 'warning' ||
      before.checks.some((each) => each.id === id && each.status !== status),
  )
  return [...relevant.flatMap((check) => formatCheck(check, colors)), formatCounts(after)]
}
