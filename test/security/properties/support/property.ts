import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { vi } from 'vitest'
import { recordFigure } from '../../support/figures.js'
import { isLongForm } from '../../support/long-form.js'

/** Whether the long form was asked for, as the nightly job does. */
export const isLong: boolean = process.env.SECURITY_LONG === '1'

/** Timeout of a test that runs a property, in milliseconds: no figure, only an end. */
export const PATIENCE: number = isLong ? 7_200_000 : 600_000

// What these tests do is computing, and the usual 20 s are too little for it on a busy machine.
vi.setConfig({ testTimeout: PATIENCE })

function readSeed(): number {
  const given = process.env.SECURITY_SEED
  if (given === undefined || given === '') return randomInt(2 ** 31)
  const seed = Number(given)
  if (!Number.isSafeInteger(seed)) throw new Error('SECURITY_SEED must be an integer')
  return seed
}

/** Seed of every property of this process: random, or `SECURITY_SEED` to repeat a run. */
export const SEED: number = readSeed()

/** A property of fast-check over any inputs, asynchronous or not. */
export type Property<Inputs> = fc.IAsyncProperty<Inputs> | fc.IProperty<Inputs>

/** How a property is run and reported. */
export interface PropertyRun {
  /** Name within figure R1, for a file: `header-grammar`. */
  readonly part: string
  /** What is compared with what, in one sentence. */
  readonly method: string
  /** Inputs in the short form. */
  readonly runs: number
  /** Inputs in the long form. Default ten times as many. */
  readonly longRuns?: number | undefined
}

/** Prints how a random run can be repeated. */
export function printSeed(part: string, inputs: number): void {
  process.stdout.write(`[property] ${part}: ${inputs} inputs, SECURITY_SEED=${SEED}\n`)
}

/**
 * Runs a property, prints its seed, and records how many inputs were tried for figure R1.
 *
 * @throws Error with the smallest counterexample that was found.
 */
export async function expectToHold<Inputs>(
  property: Property<Inputs>,
  { part, method, runs, longRuns = runs * 10 }: PropertyRun,
): Promise<void> {
  const numRuns = isLong ? longRuns : runs
  printSeed(part, numRuns)
  const details = await fc.check(property as fc.IAsyncProperty<Inputs>, { seed: SEED, numRuns })
  recordFigure({
    id: 'R1',
    part,
    values: { 'inputs tried': details.numRuns, 'wrong outcomes': details.failed ? 1 : 0 },
    isMet: !details.failed,
    method,
    seed: SEED,
  })
  if (details.failed) throw new Error(await fc.asyncDefaultReportMessage(details))
}

/** Where a property is known to fail: at so many inputs of a seed. */
export interface KnownFailure {
  readonly seed: number
  readonly path: string
}

/**
 * Tells whether a property finds the fault of a wrong implementation. A property that no wrong
 * implementation can fail proves nothing.
 *
 * @param known tried first by day, where it takes thousands of inputs to find a failure.
 */
export async function isCaught<Inputs>(
  property: Property<Inputs>,
  runs = 3000,
  known?: KnownFailure,
): Promise<boolean> {
  if (known !== undefined && !isLongForm) {
    const parameters = { ...known, numRuns: 1, endOnFailure: true }
    const { failed } = await fc.check(property as fc.IAsyncProperty<Inputs>, parameters)
    if (failed) return true
  }
  const details = await fc.check(property as fc.IAsyncProperty<Inputs>, {
    seed: SEED,
    numRuns: runs,
    // The counterexample does not have to be small here.
    endOnFailure: true,
  })
  return details.failed
}
