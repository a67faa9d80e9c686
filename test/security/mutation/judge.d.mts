export interface Survivor {
  readonly file: string
  readonly mutator: string
  readonly original: string
  readonly replacement: string
}

export interface FoundSurvivor {
  readonly line: number
  readonly survivor: Survivor
}

export interface GroupResult {
  readonly name: string
  readonly detected: number
  readonly survivors: readonly FoundSurvivor[]
}

export function readReport(report: unknown): Omit<GroupResult, 'name'>
export function scoreOf(detected: number, survived: number): number
export function checkKnown(known: readonly unknown[]): readonly string[]
export function judge(
  groups: readonly GroupResult[],
  known: readonly unknown[],
  goal: number,
): readonly string[]
