import type { CodaClock } from '../../src/coda/retry.js'

/** A clock whose sleeps end at once and move it on. */
export interface FakeClock extends CodaClock {
  /** Every sleep so far, in milliseconds. */
  readonly sleeps: readonly number[]
  advance(ms: number): void
  /** Called before each sleep ends. */
  onSleep: (ms: number) => void
}

export function createFakeClock(): FakeClock {
  let time = Date.UTC(2026, 4, 1)
  const sleeps: number[] = []
  const clock: FakeClock = {
    sleeps,
    now: () => time,
    advance: (ms) => {
      time += ms
    },
    onSleep: () => {},
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      sleeps.push(ms)
      time += ms
      clock.onSleep(ms)
      signal?.throwIfAborted()
    },
  }
  return clock
}
