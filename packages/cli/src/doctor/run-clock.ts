/** The time that a run has. Made by {@link createRunClock}. */
export interface RunClock {
  /** Aborted when the time is over, or the run is interrupted. */
  readonly signal: AbortSignal
  /** Waits for a person, which takes nothing of the time. */
  pauseFor<Value>(person: () => Promise<Value>): Promise<Value>
  stop(): void
}

/** Starts the clock of a run. */
export function createRunClock(
  milliseconds: number,
  interruption: AbortSignal | undefined,
): RunClock {
  const over = new AbortController()
  let left = milliseconds
  let startedAt = 0
  let timer: NodeJS.Timeout | undefined

  function start(): void {
    startedAt = performance.now()
    timer = setTimeout(() => over.abort(), Math.max(0, left))
  }

  start()
  return {
    signal: interruption === undefined ? over.signal : AbortSignal.any([over.signal, interruption]),
    async pauseFor(person) {
      clearTimeout(timer)
      left -= performance.now() - startedAt
      try {
        return await person()
      } finally {
        start()
      }
    },
    stop: () => clearTimeout(timer),
  }
}
