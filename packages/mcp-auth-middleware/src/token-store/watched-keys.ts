import { sha256 } from '../runtime.js'
import type { TokenStore } from './token-store.js'

type Release = () => void

/** Follows the changes that a store tells of, for the keys that somebody holds. */
export interface WatchedKeys {
  /**
   * Subscribes to the store, once, and holds one key. A promise only where the runtime computes
   * digests asynchronously.
   */
  begin(id: string): Release | Promise<Release>
  /** Holds a key once more that is held already. */
  hold(id: string): Release
  /** Ends the subscription. */
  stop(): void
}

const nothing: Release = () => undefined

/**
 * Creates the follower of one store. It remembers as many digests as keys are held, since a digest
 * cannot be turned back into a key.
 *
 * @param onChange - called with the id of a held key that changed, or with `undefined` when anything
 *   may have changed.
 */
export function createWatchedKeys(
  store: TokenStore,
  onChange: (id: string | undefined) => void,
): WatchedKeys {
  const held = new Map<string, { readonly digest: string; holders: number }>()
  const ids = new Map<string, string>()
  let unsubscribe: Release | undefined
  let stopped = false

  function subscribe(): void {
    if (unsubscribe !== undefined || stopped) return
    unsubscribe = store.watch?.((digest) => {
      if (digest === undefined) return onChange(undefined)
      const id = ids.get(digest)
      if (id !== undefined) onChange(id)
    })
  }

  function hold(id: string, digest: string): Release {
    const key = held.get(id) ?? { digest, holders: 0 }
    key.holders++
    held.set(id, key)
    ids.set(digest, id)
    return () => {
      if (--key.holders > 0) return
      held.delete(id)
      ids.delete(digest)
    }
  }

  return {
    begin(id) {
      if (store.watch === undefined) return nothing
      subscribe()
      const digest = held.get(id)?.digest ?? sha256(id)
      return typeof digest === 'string' ? hold(id, digest) : digest.then((each) => hold(id, each))
    },
    hold(id) {
      const key = held.get(id)
      return key === undefined ? nothing : hold(id, key.digest)
    },
    stop() {
      stopped = true
      unsubscribe?.()
      unsubscribe = undefined
    },
  }
}
