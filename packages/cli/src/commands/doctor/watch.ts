import { setTimeout as wait } from 'node:timers/promises'
import type { CommandContext } from '../../command.js'
import { formatChanges, formatReport } from '../../doctor/output/format-report.js'
import type { DoctorReport } from '../../doctor/report.js'
import { createColors, usesColors } from '../../output/colors.js'

/** How a server is watched. */
export interface WatchOptions {
  /** Between the end of a run and the next. */
  readonly intervalMilliseconds: number
  readonly color: boolean
  readonly run: () => Promise<DoctorReport>
}

/** Checks again and again until it is interrupted, and writes what is different. */
export async function watchServer(
  { host, output }: CommandContext,
  { intervalMilliseconds, color, run }: WatchOptions,
): Promise<void> {
  const colors = createColors(usesColors(host, 'stdout', color))
  const write = (report: DoctorReport, lines: readonly string[]): Promise<void> =>
    output.record({ ...report }, () => lines.join('\n'))
  const first = await run()
  const unreachable =
    first.outage === undefined ? undefined : `unreachable: ${first.outage.message}`
  await write(
    first,
    unreachable === undefined
      ? formatReport(first, { colors, quiet: output.quiet })
      : [unreachable],
  )
  let before = first
  while (!host.signal.aborted && !output.closed) {
    await wait(intervalMilliseconds, undefined, { signal: host.signal }).catch(() => undefined)
    if (host.signal.aborted) return
    const after = await run()
    // A run that was interrupted says nothing.
    if (host.signal.aborted) return
    const changes = formatChanges(before, after, colors)
    if (changes.length > 0) await write(after, ['', `${after.startedAt}`, ...changes])
    before = after
  }
}
