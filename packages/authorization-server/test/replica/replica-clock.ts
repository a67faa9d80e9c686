/** A clock of a process that goes with the real one, and that can be moved on. */
export interface ReplicaClock {
  /** Moves on, and begins what intervals of half a second and more had to do meanwhile, once each. */
  advance(seconds: number): void
}

const LONG_MILLISECONDS = 500

interface Repeated {
  readonly run: () => void
  readonly milliseconds: number
  due: number
}

/**
 * Puts a clock in the place of the real one: the engine and the libraries that it uses read `Date`.
 * Short intervals and timeouts stay real, since they are about the network.
 */
export function installReplicaClock(): ReplicaClock {
  const RealDate = Date
  const realInterval = setInterval
  const repeated = new Set<Repeated>()
  let ahead = 0
  const now = (): number => RealDate.now() + ahead

  class MovedDate extends RealDate {
    constructor(...given: [] | [number | string | Date]) {
      super(...((given.length === 0 ? [now()] : given) as [number]))
    }

    static override now(): number {
      return now()
    }
  }
  globalThis.Date = MovedDate as DateConstructor

  function startInterval(run: () => void, milliseconds: number): NodeJS.Timeout {
    if (milliseconds >= LONG_MILLISECONDS) {
      repeated.add({ run, milliseconds, due: now() + milliseconds })
    }
    return realInterval(run, milliseconds)
  }
  globalThis.setInterval = startInterval as typeof setInterval

  return {
    advance(seconds) {
      ahead += seconds * 1000
      for (const each of repeated) {
        if (each.due > now()) continue
        each.due = now() + each.milliseconds
        each.run()
      }
    },
  }
}
