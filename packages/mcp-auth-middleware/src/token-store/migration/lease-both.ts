import type { Lease, TokenStore } from '../token-store.js'

/**
 * Takes the lease of a key in every store that has leases, always in the same order: whoever refreshes
 * must be alone among the processes of the step before and of the step after.
 */
export function leaseBoth(first: TokenStore, second: TokenStore): TokenStore['lease'] {
  const stores = [first, second].filter(({ capabilities }) => capabilities.lease)
  if (stores.length === 0) return undefined

  return async (key, ttlSeconds) => {
    const leases: Lease[] = []
    const release = async () => {
      await Promise.all(leases.map((lease) => lease.release()))
    }
    try {
      for (const store of stores) {
        const lease = await store.lease?.(key, ttlSeconds)
        if (lease === undefined) {
          await release()
          return undefined
        }
        leases.push(lease)
      }
    } catch (error) {
      // What cannot be given back runs out by itself.
      await release().catch(() => undefined)
      throw error
    }
    return { expiresAt: Math.min(...leases.map(({ expiresAt }) => expiresAt)), release }
  }
}
