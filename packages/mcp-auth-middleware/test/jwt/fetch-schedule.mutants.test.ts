import { describe, expect, it } from 'vitest'
import { createFetchSchedule } from '../../src/jwt/fetch-schedule.js'

describe('createFetchSchedule()', () => {
  it('lets everybody fetch before the first attempt, also when the clock was set back', () => {
    const schedule = createFetchSchedule()
    schedule.shift(-1000)
    expect([
      schedule.coolDownLeft(5),
      schedule.backOffLeft(5, true),
      schedule.backOffLeft(5, false),
      schedule.failing,
    ]).toEqual([0, 0, 0, false])
  })

  it('has no back-off after a success, with keys and without', () => {
    const schedule = createFetchSchedule()
    schedule.failed(1000, 1000)
    schedule.succeeded(2000)
    expect([
      schedule.coolDownLeft(2000),
      schedule.backOffLeft(2000, true),
      schedule.backOffLeft(2000, false),
    ]).toEqual([30_000, 0, 0])
  })

  it('moves what it remembers with the clock', () => {
    const schedule = createFetchSchedule()
    schedule.failed(10_000, 9_900)
    schedule.shift(-5000)
    expect([
      schedule.coolDownLeft(5000),
      schedule.backOffLeft(5000, true),
      schedule.backOffLeft(5000, false),
    ]).toEqual([30_000, 1000, 900])
  })
})
