import type { MigrationEntry, MigrationReport } from '@bestviable/mcp-auth-middleware'
import type { StoreSettings } from '../../configuration/store-settings.js'
import { formatOwner } from '../../credential-key.js'
import { CommandFailure } from '../../failure.js'
import { writePrivateFile } from '../../files/private-file.js'

/** Which part of a migration was run. */
export type MigrationStep = 'copy' | 'verify' | 'finish'

/** What is written to stdout with `--json` and to the file of `--report`: names and counts only. */
export type ReportDocument = Readonly<Record<string, unknown>>

/** How many entries are named on a terminal. */
const SHOWN = 20

/** Outcomes that need nobody's attention; they are counted and not listed. */
const QUIET: ReadonlySet<string> = new Set([
  'copied',
  'updated',
  'present',
  'kept',
  'deleted',
  'removed',
  'cleared',
  'equal',
  'newer',
])

/** What an outcome means, for those that need attention. */
const ADVICE: Readonly<Record<string, string>> = {
  different:
    'both stores hold another value and nothing tells which is right: decide with --prefer from or --prefer to',
  refused: 'the value is empty, an unresolved placeholder or masked: correct it in the source',
  'probe-failed':
    'the upstream API did not accept it: replace it in the source, or delete it there',
  failed: 'see the reason',
  missing: 'not copied yet: run the migration again',
  older: 'changed in the source since it was copied: run the migration again',
  undeleted: 'deleted in the source since it was copied: run the migration again',
  changed: 'changed meanwhile and was left alone: run it again',
  'by-hand': 'the source is read-only: remove it there by hand',
  extra:
    'only in the target: --prefer from removes it while every server reads the source; --prefer to accepts it once every server reads the target',
}

/** The place of one store, without anything that leads into it. */
function placeOf({ kind, namespace }: StoreSettings): ReportDocument {
  return { store: kind, namespace }
}

function orderOf({ provider, owner, keyDigest }: MigrationEntry): string {
  return `${provider} ${owner} ${keyDigest}`
}

/** Builds the document of one run. */
export function createDocument(
  step: MigrationStep,
  stores: { readonly from: StoreSettings; readonly to: StoreSettings },
  report: MigrationReport,
  more: ReportDocument = {},
): ReportDocument {
  const { ok, dryRun, total, counts } = report
  // Several keys are worked on at once, so that their order is one of chance.
  const entries = [...report.entries].sort((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1))
  const places = { from: placeOf(stores.from), to: placeOf(stores.to) }
  return { step, ...places, ok, dryRun, ...more, total, counts, entries }
}

function formatEntry({
  provider,
  issuer,
  subject,
  owner,
  keyDigest,
  reason,
}: MigrationEntry): string {
  const name =
    issuer === undefined || subject === undefined
      ? `${provider} (${owner === 'service' ? owner : `user, record ${keyDigest}`})`
      : `${provider} (${formatOwner({ kind: 'user', issuer, subject })})`
  return reason === undefined ? `  ${name}` : `  ${name}: ${reason}`
}

/** Formats counts, and names what needs attention. */
export function formatReport(report: MigrationReport): readonly string[] {
  const counts = Object.entries(report.counts).filter(([, count]) => count > 0)
  const lines = [
    `${report.total} credentials`,
    ...counts.map(([name, count]) => `${name}: ${count}`),
  ]
  const isQuiet = (name: string): boolean => QUIET.has(name) || (name === 'extra' && report.ok)
  const loud = new Set(counts.map(([name]) => name).filter((name) => !isQuiet(name)))
  for (const outcome of loud) {
    const entries = report.entries.filter((entry) => entry.outcome === outcome)
    lines.push(`${outcome} (${ADVICE[outcome] ?? 'see the reason'})`)
    lines.push(...entries.slice(0, SHOWN).map(formatEntry))
    if (entries.length > SHOWN) lines.push(`  … and ${entries.length - SHOWN} more`)
  }
  return lines
}

/** Writes the document for later, readable by its owner only. A report that is there is replaced. */
export async function writeReport(
  path: string | undefined,
  document: ReportDocument,
  now: number,
): Promise<void> {
  if (path === undefined) return
  const content = { at: new Date(now).toISOString(), ...document }
  await writePrivateFile(path, { flag: '--report', replace: true }, (file) =>
    file.writeFile(`${JSON.stringify(content, undefined, 2)}\n`),
  )
}

/**
 * Ends the command when something differs.
 *
 * @throws {@link CommandFailure} with 5 when a record is damaged, else with 1.
 */
export function requireOk(report: MigrationReport): void {
  if (report.ok) return
  const damaged = report.entries.filter(({ reason }) => reason === 'ERR_STORE_INTEGRITY').length
  if (damaged > 0) {
    throw new CommandFailure('integrity', `${damaged} records are damaged; they were left alone`)
  }
  throw new CommandFailure('refused', 'something differs; see the report. Nothing was overwritten')
}
