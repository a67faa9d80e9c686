/** One requirement of `docs/reference/requirements.json`. */
export interface Requirement {
  readonly id: string
  readonly level: string
  readonly source: string
  readonly requirement: string
  /** Ids of the catalogue, `path > title`, or runs of the conformance suite. */
  readonly tests: readonly string[]
  /** Why there is no test, or none for all of it. */
  readonly gap?: string | undefined
}

export interface Section {
  readonly title: string
  readonly requirements: readonly Requirement[]
}

export interface TestFile {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

export function readRequirements(): readonly Section[]
export function readTests(): readonly TestFile[]
export function findProblems(
  sections: readonly Section[],
  tests: readonly TestFile[],
): readonly string[]
export function formatPage(sections: readonly Section[], tests: readonly TestFile[]): string
