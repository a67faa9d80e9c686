import type { CrashPlan } from './crash-points.js'

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * How often each point is died at: the first time that it is passed and at a random time, nightly and where
 * `CRASH_KILLS` is set. Otherwise once, at one of both by the seed, which halves minutes of a test run.
 */
export const KILLS_PER_POINT: 1 | 2 = process.env.CRASH_KILLS === undefined ? 1 : 2

/** How one job is killed. */
export interface KillOptions {
  /**
   * Whether the process that takes over from a killed one is killed too. Not where a step that was done
   * once is not repeated, so that the second process would not pass its points, and not where there is
   * one kill at a point.
   */
  readonly inPairs: boolean
  readonly randomKills: number
}

// A pair leaves the second process a little less to do than the whole.
const SHARE_OF_SECOND = 0.9

/**
 * Plans to die at each point as often as {@link KILLS_PER_POINT} says, then at random awaits of the whole
 * run. One entry holds the kills that follow on each other before a process may end its work.
 */
export function planKills(
  passed: ReadonlyMap<string, number>,
  { inPairs, randomKills }: KillOptions,
  random: () => number,
): (readonly CrashPlan[])[] {
  const anyOf = (count: number) => 1 + Math.floor(random() * count)
  const plans: (readonly CrashPlan[])[] = []
  for (const [point, count] of passed) {
    const kills: readonly [CrashPlan, CrashPlan] = [
      { point, occurrence: 1 },
      { point, occurrence: anyOf(count * (inPairs ? SHARE_OF_SECOND : 1)) },
    ]
    if (KILLS_PER_POINT === 1) plans.push([kills[random() < 0.5 ? 0 : 1]])
    else if (inPairs) plans.push(kills)
    else plans.push(...kills.map((kill) => [kill]))
  }
  const total = [...passed.values()].reduce((sum, count) => sum + count, 0)
  for (let kill = 0; kill < randomKills; kill++) plans.push([{ occurrence: anyOf(total) }])
  return plans
}
