import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What one test contributes to a figure of `docs/security/report.md`. */
export interface FigurePart {
  /** The figure, `R1` to `R22`. */
  readonly id: `R${number}`
  /** The test within the figure: a name for a file, such as `race-of-codes`. */
  readonly part: string
  /** What was counted or measured, by name with its unit: `{ 'codes redeemed twice': 0 }`. */
  readonly values: Readonly<Record<string, number>>
  /** Whether the goal of the figure holds for this part. */
  readonly isMet: boolean
  /** How it was measured, in one sentence. */
  readonly method: string
  /** What repeats the run, when it was random. */
  readonly seed?: number | undefined
}

/**
 * Writes a part of a figure for the report, where `SECURITY_FIGURES` names the folder of the parts.
 * Without it the test only asserts.
 */
export function recordFigure(part: FigurePart): void {
  const folder = process.env.SECURITY_FIGURES
  if (folder === undefined || folder === '') return
  mkdirSync(folder, { recursive: true })
  const measuredAt = new Date().toISOString()
  const record = { ...part, measuredAt, node: process.version }
  writeFileSync(
    join(folder, `${part.id}.${part.part}.json`),
    `${JSON.stringify(record, null, 2)}\n`,
  )
}
