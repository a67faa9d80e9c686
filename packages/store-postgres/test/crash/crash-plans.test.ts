import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRandom, planKills } from './crash-plans.js'

const passed = new Map(Array.from({ length: 100 }, (_, index) => [`point ${index}`, index + 1]))
const options = { inPairs: false, randomKills: 4 }
const planOf = (seed: number, over = options) => planKills(passed, over, createRandom(seed))

beforeEach(() => {
  vi.stubEnv('CRASH_KILLS', undefined)
  vi.stubEnv('SECURITY_FIGURES', undefined)
})
afterEach(() => vi.unstubAllEnvs())

describe('the plan of the kills', () => {
  it('is every ninth point by day, and every point over the seeds', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const { kills } = planOf(seed)
      expect(kills.size).toBeGreaterThanOrEqual(11)
      for (const [point, count] of kills) {
        expect(count).toBe(1)
        seen.add(point)
      }
    }
    expect(seen.size).toBe(passed.size)
  })

  it('is every point once for the security report', () => {
    vi.stubEnv('SECURITY_FIGURES', '/folder')
    expect([...planOf(1).kills]).toEqual([...passed.keys()].map((point) => [point, 1]))
  })

  it.each([true, false])('is every point twice by night, in pairs: %s', (inPairs) => {
    vi.stubEnv('CRASH_KILLS', '500')
    const { plans, kills } = planOf(1, { ...options, inPairs })
    expect([...kills]).toEqual([...passed.keys()].map((point) => [point, 2]))
    const counts = new Map<string, number>()
    for (const { point = 'random', occurrence } of plans.flat()) {
      counts.set(point, (counts.get(point) ?? 0) + 1)
      expect(occurrence).toBeLessThanOrEqual(passed.get(point) ?? Number.POSITIVE_INFINITY)
    }
    expect(counts.get('random')).toBe(4)
    counts.delete('random')
    expect([...counts]).toEqual([...kills])
  })

  it('is repeated by its seed', () => {
    expect(planOf(7)).toEqual(planOf(7))
    expect(planOf(7).plans).not.toEqual(planOf(8).plans)
  })
})
