import type { SealedStoreContractCase } from './sealed-store-contract/context.js'
import { damageCases } from './sealed-store-contract/damage-cases.js'
import { keyCases } from './sealed-store-contract/key-cases.js'
import { secrecyCases } from './sealed-store-contract/secrecy-cases.js'

export type {
  SealedFields,
  SealedPart,
  SealedParts,
  SealedRecord,
  SealedStoreContractCase,
  SealedStoreContractContext,
  SealedStoreOptions,
} from './sealed-store-contract/context.js'

/**
 * What a store that encrypts promises beside {@link tokenStoreContract}, one case each, for any test
 * runner: what a dump of the backend shows, what tampering with it achieves, and how keys change.
 *
 * The context gives access to the backend past the store. A record is any number of named fields, so
 * that the columns of a row and one single value both fit.
 *
 * @example
 * ```ts
 * declare const mySealedStores: Parameters<(typeof sealedStoreContract)[number]['run']>[0]
 *
 * describe('sealed store contract: mine', () => {
 *   for (const { id, run, title } of sealedStoreContract) {
 *     it(`${id}: ${title}`, () => run(mySealedStores))
 *   }
 * })
 * ```
 */
export const sealedStoreContract: readonly SealedStoreContractCase[] = [
  ...secrecyCases,
  ...damageCases,
  ...keyCases,
]
