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

export interface Counts {
  readonly killed: number
  readonly survived: number
  readonly noCoverage: number
  readonly timeouts: number
}

export interface GroupResult {
  readonly name: string
  readonly detected: number
  readonly survivors: readonly FoundSurvivor[]
}

export function readReport(report: unknown): Omit<GroupResult, 'name'> & { readonly counts: Counts }
export function findListed<T>(known: readonly T[], survivor: Survivor): T | undefined
export function scoreOf(detected: number, survived: number): number
export function checkKnown(known: readonly unknown[]): readonly string[]
export function judge(
  groups: readonly GroupResult[],
  known: readonly unknown[],
  goal: number,
): readonly string[]
