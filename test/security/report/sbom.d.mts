/** A bill of materials as CycloneDX, as far as it is looked at here. */
export interface Bill {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly purl: string } }
  readonly components: readonly { readonly purl: string }[]
  readonly dependencies: readonly { readonly ref: string }[]
}

export function listPackages(): readonly {
  readonly folder: string
  readonly name: string
  readonly version: string
}[]

export function createSboms(): readonly {
  readonly name: string
  readonly version: string
  readonly bill: Bill
}[]
