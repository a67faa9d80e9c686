export interface Group {
  readonly package: string
  readonly mutate: readonly string[]
  readonly tests: readonly string[]
  readonly slow?: readonly string[] | undefined
}

export const GROUPS: Readonly<Record<string, Group>>
export function mutatedFiles(group: Group): readonly string[]
export function testFiles(group: Group): readonly string[]
