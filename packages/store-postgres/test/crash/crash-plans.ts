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

/** How one job is killed. */
export interface KillOptions {
  /**
   * Whether the process that takes over from a killed one is killed too. Not where a step that was done
   * once is not repeated, so that the second process would not pass its points.
   */
  readonly inPairs: boolean
  readonly randomKills: number
}

// A pair leaves the second process a little less to do than the whole.
const SHARE_OF_SECOND = 0.9

/**
 * Plans to die at each point the first time and at a random time, then at random awaits of the whole
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
    const kills = [
      { point, occurrence: 1 },
      { point, occurrence: anyOf(count * (inPairs ? SHARE_OF_SECOND : 1)) },
    ]
    if (inPairs) plans.push(kills)
    else plans.push(...kills.map((kill) => [kill]))
  }
  const total = [...passed.values()].reduce((sum, count) => sum + count, 0)
  for (let kill = 0; kill < randomKills; kill++) plans.push([{ occurrence: anyOf(total) }])
  return plans
}
