export interface Component {
  readonly 'bom-ref': string
  readonly purl: string
}

/** A bill of materials as CycloneDX, as far as it is looked at here. */
export interface Bill {
  readonly bomFormat: string
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

export function listPackages(): readonly {
  readonly folder: string
  readonly name: string
  readonly version: string
}[]

export function createSboms(
  isWanted?: (described: { readonly folder: string; readonly name: string }) => boolean,
): readonly {
  readonly name: string
  readonly version: string
  readonly bill: Bill
}[]
