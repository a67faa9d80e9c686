import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { withinLimits } from './call-gate.js'
import type { CallLimits } from './infisical-api.js'

/** Lets one write at a time go on for each secret. */
export interface KeyLocks {
  /**
   * Runs `body` after all earlier writes of the same secret, and lets the next one go on only when
   * everything that `body` started has settled, which can be a minute after it gave up: until then the
   * SDK may still send the older value. `released` is called then.
   *
   * @throws {@link StoreUnavailableError} when an earlier write does not end before the deadline.
   */
  run<Value>(
    name: string,
    limits: CallLimits,
    body: (limits: CallLimits) => Promise<Value>,
    released: () => void,
  ): Promise<Value>
}

/** Creates the locks of one store. */
export function createKeyLocks(): KeyLocks {
  const tails = new Map<string, Promise<void>>()

  async function acquire(name: string, limits: CallLimits): Promise<() => void> {
    let release = (): void => undefined
    const mine = new Promise<void>((resolve) => {
      release = resolve
    })
    const previous = tails.get(name)
    const tail = (previous ?? Promise.resolve()).then(() => mine)
    tails.set(name, tail)
    tail.then(() => {
      if (tails.get(name) === tail) tails.delete(name)
    })
    if (previous === undefined) return release
    try {
      await withinLimits(previous, limits)
      return release
    } catch (error) {
      // Gives up its place in the queue, not the place of those in front of it.
      release()
      if (limits.signal?.aborted) throw error
      throw new StoreUnavailableError('an earlier write of this credential has not ended yet')
    }
  }

  return {
    async run(name, limits, body, released) {
      const release = await acquire(name, limits)
      const started: Promise<unknown>[] = []
      try {
        return await body({ ...limits, hold: (settled) => started.push(settled) })
      } finally {
        Promise.allSettled(started).then(() => {
          released()
          release()
        })
      }
    },
  }
}
