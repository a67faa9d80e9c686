/** Something that is told when its time has come. */
export interface Due {
  /** On the clock of `performance.now()`. It may be moved at any time. */
  at: number
  /** Called again at each tick until it was removed or moved. */
  onDue(now: number): void
}

/** Watches what is due. */
export interface DueTimes {
  add(due: Due): void
  remove(due: Due): void
}

const TICK_MILLISECONDS = 25
/** A tick that comes so late found this process stopped, and answers that nobody has looked at yet. */
const STALL_MILLISECONDS = 250

/**
 * Creates a watch with one timer for all, up to 25 ms late. Statements come and go by the thousand: a
 * timer for each, which hardly ever fires, costs as much as reading the answer.
 *
 * Timers run before sockets are read. After a stop of this process, by a full CPU or a blocked event loop,
 * what looks late may have been answered long ago: it is due at the next tick, when that was read.
 */
export function createDueTimes(): DueTimes {
  const waiting = new Set<Due>()
  let isTicking = false
  let expectedAt = 0
  let isPassedOver = false

  function startTimer(): void {
    // What is waited for keeps the process alive, and not the waiting.
    expectedAt = performance.now() + TICK_MILLISECONDS
    setTimeout(tick, TICK_MILLISECONDS).unref()
  }

  function tick(): void {
    const now = performance.now()
    // Once only: a process that is always late has deadlines too.
    isPassedOver = now >= expectedAt + STALL_MILLISECONDS && !isPassedOver
    if (!isPassedOver) {
      for (const due of waiting) if (now >= due.at) due.onDue(now)
    }
    // Left running for one tick after the last one, so that one statement after the other shares it.
    isTicking = waiting.size > 0
    if (isTicking) startTimer()
  }

  return {
    add(due) {
      waiting.add(due)
      if (isTicking) return
      isTicking = true
      startTimer()
    },
    remove(due) {
      waiting.delete(due)
    },
  }
}
