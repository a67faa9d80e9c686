import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Replica } from '../../../../examples/coda-mcp/test/support/replica.js'
import { recordFigure } from '../../support/figures.js'
import type { Judged, MixedLoad } from './mixed-load.js'
import { type Kind, quantile } from './verdicts.js'

/** The goal of R8. */
export const RECOVERY_MILLISECONDS = 5_000
/** Of R7, for the store. */
export const STORE_MILLISECONDS = 2_500
/** Of a chain of writes, such as a token request: longer than R7 asks for, as documented. */
const WRITE_MILLISECONDS = 5_500
/** Of R7, for published keys. */
export const KEYS_MILLISECONDS = 3_500
/** What a busy machine may add, beside what it adds to requests that wait for nothing. */
const SCHEDULING_MILLISECONDS = 1_000
/** So long nothing may fail before a fault counts as over. */
const CALM_MILLISECONDS = 1_500

/** When a dependency was taken away, and when it was given back, of `performance.now()`. */
export interface Outage {
  readonly from: number
  readonly until: number
}

/** Waits until everything is right again, and tells how long after `back` the last failure was sent. */
export async function awaitRecovery(load: MixedLoad, back: number): Promise<number> {
  const lastFailure = (): number =>
    load.answers
      .filter(({ verdict, sentAt }) => verdict !== 'right' && sentAt >= back)
      .reduce((last, { sentAt }) => Math.max(last, sentAt), back)
  const deadline = performance.now() + 4 * RECOVERY_MILLISECONDS
  while (performance.now() < deadline) {
    await pause(50)
    if (performance.now() - lastFailure() > CALM_MILLISECONDS) return lastFailure() - back
  }
  throw new Error(`no recovery: ${JSON.stringify(load.answers.slice(-20))}`)
}

/**
 * Expects what holds for every fault: outages say so, no good credential was called bad, nobody died, and
 * service was back in time. Records the figures R4, R7 and R8 of the fault.
 */
export function expectOnlyOutages(
  load: MixedLoad,
  {
    id,
    recovery,
    outage,
    unaffected,
    method,
    deadline,
  }: {
    /** Of the catalogue, and what happened: `F01-killed`. */
    readonly id: string
    readonly recovery: number
    readonly outage: Outage
    /** Kinds that were right throughout. */
    readonly unaffected: readonly Kind[]
    readonly method: string
    /** In milliseconds, where a dependency hangs: within it every outage has an answer. */
    readonly deadline?: number | undefined
  },
): void {
  const during = load.between(outage.from, outage.until)
  const outages = load.answers.filter(({ verdict }) => verdict === 'outage')
  const blamed = load.blamed()
  const rate = (during.length * 1000) / (outage.until - outage.from)
  recordFigure({
    id: 'R4',
    part: id,
    values: {
      'requests during the fault': during.length,
      'requests per second': Math.round(rate),
      'outages told as such': outages.length,
      'outages reported as 401, 403, 404 or invalid_grant': blamed.length,
      'other wrong answers': load.wrong().length,
    },
    isMet: blamed.length === 0 && load.wrong().length === 0,
    method,
  })
  recordFigure({
    id: 'R8',
    part: id,
    values: { 'milliseconds until full service': Math.round(recovery), 'processes that ended': 0 },
    isMet: recovery <= RECOVERY_MILLISECONDS,
    method,
  })
  // Of what was under way already, the time before the fault is not the fault's.
  const waited = ({ sentAt, milliseconds }: Judged): number =>
    milliseconds - Math.max(0, outage.from - sentAt)
  const p99 = (answers: readonly Judged[]): number => quantile(answers.map(waited), 0.99)
  const answered = p99(outages.filter(({ kind }) => kind !== 'refresh'))
  const written = p99(outages.filter(({ kind }) => kind === 'refresh'))
  // Requests without a credential wait for nothing but this machine.
  const slack = SCHEDULING_MILLISECONDS + p99(load.between(outage.from, outage.until, 'none'))
  if (deadline !== undefined) {
    recordFigure({
      id: 'R7',
      part: id,
      values: {
        'p99 in milliseconds': Math.round(answered),
        'p99 of refreshes, which write, in milliseconds': Math.round(written),
        'outage answers': outages.length,
      },
      isMet: answered <= deadline,
      method,
    })
  }
  process.stderr.write(
    `[${id}] ${during.length} requests at ${rate.toFixed(0)}/s, ${outages.length} outages told, p99 ${answered.toFixed(0)} ms, of refreshes ${written.toFixed(0)} ms, full service after ${recovery.toFixed(0)} ms\n`,
  )
  expect(load.wrong()).toEqual([])
  expect(blamed).toEqual([])
  const affected = load.answers.filter(
    ({ kind, verdict }) => verdict !== 'right' && unaffected.includes(kind),
  )
  expect(affected).toEqual([])
  for (const kind of unaffected) {
    expect(during.filter((answer) => answer.kind === kind).length).toBeGreaterThan(5)
  }
  expect(recovery).toBeLessThanOrEqual(RECOVERY_MILLISECONDS + slack)
  if (deadline !== undefined) expect(answered).toBeLessThan(deadline + slack)
  expect(written).toBeLessThan(WRITE_MILLISECONDS + slack)
}

/** Expects that no process ended, nor threw what nobody caught. */
export function expectAlive(replicas: readonly Replica[]): void {
  for (const { pid, output } of replicas) {
    expect(() => process.kill(pid, 0)).not.toThrow()
    expect(output).not.toMatch(/unhandled|uncaught|FATAL ERROR/i)
  }
}
