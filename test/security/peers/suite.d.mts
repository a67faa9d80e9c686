/** One input of the suite, and how a server answered it. */
export interface SuiteResult {
  readonly group: string
  /** Id of the catalogue. */
  readonly id: string
  readonly what: string
  readonly isRight: boolean
  readonly seen: string
}

export const COLD_OUTAGES: readonly string[]

export function runSuite(
  name: string,
  coldOutages?: readonly string[],
): Promise<readonly SuiteResult[]>
