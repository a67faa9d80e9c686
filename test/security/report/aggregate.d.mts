/** A part as `recordFigure` has written it. */
export interface RecordedPart {
  readonly id: string
  readonly part: string
  readonly values: Readonly<Record<string, number>>
  readonly isMet: boolean
  readonly method: string
  readonly seed?: number | undefined
  readonly measuredAt: string
  readonly node: string
}

export interface FailedSuite {
  readonly path: string
  /** Figures that the suite would have recorded. */
  readonly ids: readonly string[]
  readonly outcome: string
}

export interface Figure {
  readonly id: string
  readonly figure: string
  readonly goal: string
  /** Whether a release waits for it. */
  readonly blocks: boolean
  readonly status: 'met' | 'gap' | 'not certified'
  readonly cause?: string | undefined
  readonly values: Readonly<Record<string, number>>
  readonly parts: readonly Omit<RecordedPart, 'id'>[]
}

export interface Report {
  readonly date: string
  /** `partial`: put together from parts, so that a suite may be missing. */
  readonly form: 'short' | 'long' | 'partial'
  readonly versions: Readonly<Record<string, string>>
  readonly failedSuites: readonly FailedSuite[]
  readonly figures: readonly Figure[]
}

export function readParts(folder: string): readonly RecordedPart[]
export function withScores(
  parts: readonly RecordedPart[],
  scores: readonly RecordedPart[],
): readonly RecordedPart[]
/** A report with other scores of mutation testing, and all else as it was measured. */
export function replaceScores(report: Report, scores: readonly RecordedPart[]): Report
export function sumValues(
  parts: readonly { readonly values: Readonly<Record<string, number>> }[],
): Readonly<Record<string, number>>
export function aggregate(
  parts: readonly RecordedPart[],
  failedSuites?: readonly FailedSuite[],
): readonly Figure[]
export function findBlockers(report: Pick<Report, 'figures' | 'failedSuites'>): readonly string[]
