import type { MigrationContractCase } from './migration-contract/context.js'
import { copyCases } from './migration-contract/copy-cases.js'
import { endCases } from './migration-contract/end-cases.js'
import { modeCases } from './migration-contract/mode-cases.js'

export type {
  MigrationContractCase,
  MigrationContractContext,
  StorePair,
} from './migration-contract/context.js'

/**
 * What a move of credentials from one store to another promises, one case each, for any test runner and
 * any two stores. Where a store lacks a capability, the case checks what is promised without it.
 *
 * @example
 * ```ts
 * describe('Migration contract: memory to memory', () => {
 *   for (const { id, run, title } of migrationContract) {
 *     it(`${id}: ${title}`, () =>
 *       run({
 *         async createPair(seed) {
 *           const from = myTokenStore()
 *           for (const [key, input] of seed) await from.set(key, input)
 *           return { from, to: myTokenStore() }
 *         },
 *         async destroyPair({ from, to }) {
 *           await from.close()
 *           await to.close()
 *         },
 *       }))
 *   }
 * })
 * ```
 */
export const migrationContract: readonly MigrationContractCase[] = [
  ...copyCases,
  ...modeCases,
  ...endCases,
]
