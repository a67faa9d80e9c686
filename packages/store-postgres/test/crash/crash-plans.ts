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
 * Where a run dies: nightly and wherever `CRASH_KILLS` is set, at each point the first time that it is passed
 * and at a random time; for the security report once at each, at one of both by the seed. By day once at
 * every ninth point, from one that the seed says: a kill takes seconds, and there are hundreds.
 */
function depth(): { readonly killsPerPoint: 1 | 2; readonly every: number } {
  if (process.env.CRASH_KILLS !== undefined) return { killsPerPoint: 2, every: 1 }
  return { killsPerPoint: 1, every: process.env.SECURITY_FIGURES === undefined ? 9 : 1 }
}

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

export interface PlannedKills {
  /** One entry holds the kills that follow on each other before a process may end its work. */
  readonly plans: (readonly CrashPlan[])[]
  /** How often each of the chosen points is died at, without the random kills. */
  readonly kills: ReadonlyMap<string, number>
}

// A pair leaves the second process a little less to do than the whole.
const SHARE_OF_SECOND = 0.9

/** Plans to die at the chosen points, then at random awaits of the whole run. */
export function planKills(
  passed: ReadonlyMap<string, number>,
  { inPairs, randomKills }: KillOptions,
  random: () => number,
): PlannedKills {
  const { killsPerPoint, every } = depth()
  const anyOf = (count: number) => 1 + Math.floor(random() * count)
  const first = Math.floor(random() * every)
  const chosen = [...passed].filter((_, index) => index % every === first)
  const plans: (readonly CrashPlan[])[] = []
  for (const [point, count] of chosen) {
    const kills: readonly [CrashPlan, CrashPlan] = [
      { point, occurrence: 1 },
      { point, occurrence: anyOf(count * (inPairs ? SHARE_OF_SECOND : 1)) },
    ]
    if (killsPerPoint === 1) plans.push([kills[random() < 0.5 ? 0 : 1]])
    else if (inPairs) plans.push(kills)
    else plans.push(...kills.map((kill) => [kill]))
  }
  const total = [...passed.values()].reduce((sum, count) => sum + count, 0)
  for (let kill = 0; kill < randomKills; kill++) plans.push([{ occurrence: anyOf(total) }])
  return { plans, kills: new Map(chosen.map(([point]) => [point, killsPerPoint])) }
}
