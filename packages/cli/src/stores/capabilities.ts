import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import { CommandFailure } from '../failure.js'

/**
 * Refuses a store that cannot be written, before anything is asked.
 *
 * @throws {@link CommandFailure} for the env store.
 */
export function requireWritable(store: TokenStore): void {
  if (store.capabilities.write) return
  throw new CommandFailure(
    'refused',
    `the ${store.name} store is read-only; change the variables themselves, or name another store with --store`,
  )
}
