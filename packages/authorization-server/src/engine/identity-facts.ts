/** Facts of the last sign-in that admission asks for again at each refresh. */
export interface IdentityFacts {
  readonly provider: string
  readonly hostedDomain?: string | undefined
  readonly tenant?: string | undefined
  readonly invited: boolean
}

/** Kind of record under which the facts are kept, by user id. */
export const IDENTITY_FACTS = 'IdentityFacts'
