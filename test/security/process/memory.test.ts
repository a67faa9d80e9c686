import { afterAll, beforeAll, expect, it } from 'vitest'
import { variablesOf } from '../harness/node-environments.js'
import { compileProgram, startWatched, type WatchedProgram } from '../harness/watched-program.js'
import { recordFigure } from '../support/figures.js'
import { createMatrixWorld, type MatrixWorld } from './matrix-world.js'

const isLong = process.env.SECURITY_LONG === '1'
const TOKENS = isLong ? 1_000_000 : 16_000
/** Until what is compiled, cached and bounded has the size that it keeps. */
const FIRST_TOKENS = isLong ? 50_000 : 8_000
const MIB = 1024 * 1024
const LIMIT_MIB = 20

let world: MatrixWorld
let program: WatchedProgram

beforeAll(async () => {
  world = await createMatrixWorld()
  const file = await compileProgram(new URL('./resource-server-program.ts', import.meta.url))
  program = await startWatched({
    file,
    env: variablesOf('production'),
    // A small young generation, so that a collection returns to about the same size each time.
    nodeOptions: ['--expose-gc', '--max-semi-space-size=4'],
  })
  await program.ask('prepareFlood', world.job)
}, 60_000)
afterAll(async () => {
  await program?.stop()
  await world?.close()
})

it(
  `P03 memory stays within 20 MiB over ${TOKENS.toLocaleString('en')} distinct invalid tokens`,
  async () => {
    const { good } = world
    await program.ask('flood', { count: FIRST_TOKENS, good })
    const before = (await program.report()).memory
    const statuses = await program.ask<Record<number, number>>('flood', { count: TOKENS, good })
    const after = (await program.report()).memory

    const grown = {
      'RSS growth in MiB': (after.rss - before.rss) / MIB,
      'heap growth in MiB':
        (after.heapUsed + after.external - before.heapUsed - before.external) / MIB,
    }
    recordFigure({
      id: 'R14',
      part: 'invalid-tokens',
      values: { tokens: TOKENS, ...grown },
      isMet: grown['RSS growth in MiB'] <= LIMIT_MIB,
      method: `Distinct tokens, half with a wrong signature of a known key and half of no known kind; RSS after GC, against the RSS after ${FIRST_TOKENS} of them.`,
    })
    expect(statuses).toEqual({ 401: TOKENS })
    expect(grown['RSS growth in MiB']).toBeLessThan(LIMIT_MIB)
    expect(grown['heap growth in MiB']).toBeLessThan(LIMIT_MIB / 2)
    // And the keys were not asked for once per token.
    expect(world.issuer.requests('jwks')).toBeLessThan(isLong ? 100 : 5)
  },
  isLong ? 1_800_000 : 60_000,
)
