/** Lets callers in one at a time for each key, in the order in which they came. */
export interface Turns {
  /** Runs `work` when it is its turn; rejects with the signal's reason when that comes first. */
  run<Result>(key: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result>
}

async function endedBy(promise: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  let stop = (): void => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Creates turns for this process; other replicas have their own. */
export function createTurns(): Turns {
  const lastOf = new Map<string, Promise<void>>()
  return {
    async run(key, signal, work) {
      const before = lastOf.get(key)
      let finish = (): void => {}
      const own = new Promise<void>((resolve) => {
        finish = resolve
      })
      // Whoever gives up waiting must not let the next one in before those ahead have finished.
      const last = Promise.all([before, own]).then(() => {
        if (lastOf.get(key) === last) lastOf.delete(key)
      })
      lastOf.set(key, last)
      try {
        await endedBy(before, signal)
        return await work()
      } finally {
        finish()
      }
    },
  }
}
