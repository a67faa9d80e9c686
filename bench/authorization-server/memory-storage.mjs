import { compileTypeScript } from '../lib/typescript.mjs'

/** Our authorization server as parts, with a storage in memory. */
export const parts = await import(compileTypeScript('bench/authorization-server/memory-parts.mjs'))

/**
 * The storage of the tests, for both servers. Without transactions, which copy everything to be able to roll
 * it back, and without an audit trail that grows: oidc-provider asks its adapter for neither.
 */
export function createStorage() {
  return {
    ...parts.createMemoryStorage(Date.now),
    transaction: (run) => run(),
    lock: async () => undefined,
    audit: async () => undefined,
  }
}
