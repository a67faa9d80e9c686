import * as z from 'zod/mini'
import { type ConfigurationProblem, StoreUnsupportedError } from '../../errors.js'
import type { CredentialDeleteOptions, CredentialSetOptions, TokenStore } from '../token-store.js'

function isPlainStore(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return typeof Reflect.get(value, 'get') === 'function' && !('peek' in value)
}

/** Schema of a store that must be asked itself: a cache does not see what other processes write. */
export const plainStore = z.custom<TokenStore>(isPlainStore, {
  error: 'must be a TokenStore without a cache; put cachedTokenStore around the result instead',
})

/** Lists what a store lacks for its part in a migration. */
export function missingCapabilities(
  path: string,
  { name, capabilities }: TokenStore,
  needed: readonly ('write' | 'tombstone')[],
): ConfigurationProblem[] {
  const words = { write: 'writable', tombstone: 'able to keep tombstones' }
  return needed
    .filter((each) => !capabilities[each])
    .map((each) => ({ path, message: `must be ${words[each]}, which "${name}" is not` }))
}

/**
 * Refuses what a store made of two cannot do: tombstones belong to the migration itself, and conditions
 * need a store that compares versions, also `ifAbsent`, since a tombstone may have to be replaced.
 */
export function refuseUnsupported(
  { capabilities }: TokenStore,
  options: CredentialSetOptions & CredentialDeleteOptions,
): void {
  if (options.tombstone)
    throw new StoreUnsupportedError('tombstones belong to the migration itself')
  const conditional =
    options.ifVersion !== undefined || ('ifAbsent' in options && options.ifAbsent === true)
  if (conditional && !capabilities.compareAndSet) {
    throw new StoreUnsupportedError('the store that decides compares no versions')
  }
}
