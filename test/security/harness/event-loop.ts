import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How long the event loop of a process was busy with one thing, in milliseconds. */
export interface EventLoopFigures {
  /** Delay as seen on the wall: what other processes of the machine took is in it. */
  readonly wall: { readonly p99: number; readonly max: number }
  /** CPU time that this process used between two looks, which a busy machine does not lengthen. */
  readonly cpu: { readonly p99: number; readonly max: number; readonly looks: number }
}

/** Watches the event loop of its own process. */
export interface EventLoopWatch {
  reset(): void
  read(): EventLoopFigures
}

const LOOK_MILLISECONDS = 10
const NANOSECONDS = 1e6
const MICROSECONDS = 1e3

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Starts to watch. Keeps no process alive. */
export function watchEventLoop(): EventLoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: LOOK_MILLISECONDS })
  histogram.enable()
  let turns: number[] = []
  let last = process.cpuUsage()
  // A timer that is due runs before anything else of the next turn: what was used since the last look
  // is one turn, or ten milliseconds of several.
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(last)
    last = process.cpuUsage()
    turns.push((user + system) / MICROSECONDS)
  }, LOOK_MILLISECONDS)
  timer.unref()

  return {
    reset() {
      histogram.reset()
      turns = []
      last = process.cpuUsage()
    },
    read() {
      const sorted = turns.toSorted((left, right) => left - right)
      return {
        wall: { p99: histogram.percentile(99) / NANOSECONDS, max: histogram.max / NANOSECONDS },
        cpu: {
          p99: percentile(sorted, 0.99),
          max: sorted.at(-1) ?? 0,
          looks: sorted.length,
        },
      }
    },
  }
}
