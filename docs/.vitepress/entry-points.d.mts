/** One name that can be imported. */
export interface EntryPoint {
  readonly name: string
  /** Name of the package that has it. */
  readonly package: string
  /** From the root of the repository. */
  readonly source: string
}

export function listEntryPoints(): readonly EntryPoint[]
