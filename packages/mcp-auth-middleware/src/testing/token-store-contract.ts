import { conditionalCases } from './token-store-contract/conditional-cases.js'
import type { TokenStoreContractCase } from './token-store-contract/context.js'
import { leaseCases } from './token-store-contract/lease-cases.js'
import { readCases } from './token-store-contract/read-cases.js'
import { tombstoneCases } from './token-store-contract/tombstone-cases.js'
import { watchCases } from './token-store-contract/watch-cases.js'
import { writeCases } from './token-store-contract/write-cases.js'

export type {
  OptionalCredentialMember,
  TokenStoreContractCase,
  TokenStoreContractContext,
  TokenStoreSeed,
} from './token-store-contract/context.js'

/**
 * The promises of {@link TokenStore}, one case each, for any test runner. A store keeps all of them:
 * where it lacks a capability, the case checks that it says so with `ERR_STORE_UNSUPPORTED`.
 *
 * @example
 * ```ts
 * describe('TokenStore contract: memory', () => {
 *   for (const { id, run, title } of tokenStoreContract) {
 *     it(`${id}: ${title}`, () =>
 *       run({
 *         async create(seed) {
 *           const store = myTokenStore()
 *           for (const [key, input] of seed) await store.set(key, input)
 *           return store
 *         },
 *         destroy: (store) => store.close(),
 *       }))
 *   }
 * })
 * ```
 */
export const tokenStoreContract: readonly TokenStoreContractCase[] = [
  ...readCases,
  ...writeCases,
  ...conditionalCases,
  ...leaseCases,
  ...tombstoneCases,
  ...watchCases,
]
