/** Which tests repeat an advisory: one of our two sides, or a test of another part. */
export type Suite = 'resource-server' | 'authorization-server' | 'mapped'

/** One row of `advisories.json`. */
export interface Advisory {
  readonly id: string
  readonly aliases: readonly string[]
  readonly product: string
  /** First versions without the fault. */
  readonly fixed: string
  readonly problem: string
  /** What we do instead, as the name of the test says it. */
  readonly expected: string
  /** Where its content was read. */
  readonly source: string
  readonly suite: Suite
  /** The test that covers it, of the suite `mapped`; `name` may be the start of several. */
  readonly test?: { readonly path: string; readonly name: string } | undefined
}

export interface AdvisoryTable {
  readonly read: string
  readonly advisories: readonly Advisory[]
  readonly leftOut: readonly {
    readonly id: string
    readonly product: string
    readonly reason: string
    readonly source: string
  }[]
}

export function readAdvisories(): readonly Advisory[]
export function formatPage(table?: AdvisoryTable): string
