import { afterAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../support/figures.js'
import { readAdvisories, type Suite } from './advisories.mjs'

/** Repeats an advisory against us; rejects when it succeeds. */
export type Attack = () => Promise<void>

/**
 * Declares one test for each advisory of a suite, named after it, and one that fails when the table and
 * the attacks do not agree.
 */
export function describeAttacks(suite: Suite, attacks: Readonly<Record<string, Attack>>): void {
  const rows = readAdvisories().filter((row) => row.suite === suite)
  let green = 0

  describe(`advisories: ${suite}`, () => {
    it('has an attack for each row of advisories.json, and no other', () => {
      expect(Object.keys(attacks).sort()).toEqual(rows.map(({ id }) => id).sort())
    })

    for (const { id, product, expected } of rows) {
      it(`${id} ${product}: ${expected}`, async () => {
        const run = attacks[id]
        if (run === undefined) throw new Error(`${id} has no attack`)
        await run()
        green += 1
      })
    }
  })

  afterAll(() => {
    recordFigure({
      id: 'R18',
      part: suite,
      values: { 'advisories repeated': rows.length, 'advisories that fail': rows.length - green },
      isMet: green === rows.length,
      method: `Each advisory of docs/security/advisories.md about this side is repeated against the public API.`,
    })
  })
}
