import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/metrics/metrics.js'
import { createRecordReader } from '../../src/metrics/oauth-records.js'
import { parseMetrics } from '../support/scrape.js'

describe('createRecordReader()', () => {
  it('asks the database once in 30 seconds, and shows nothing while it does not answer', async () => {
    let now = 0
    let asked = 0
    let works = true
    const query = async () => {
      asked += 1
      if (!works) throw new Error('away')
      return [{ codes: '1', grants: '2', clients: '3', sessions: String(asked) }]
    }
    const metrics = createMetrics()
    metrics.read(
      'oauth_records',
      createRecordReader({ query }, () => now),
    )
    const sessions = async () =>
      parseMetrics(await metrics.format()).sample('oauth_records', { kind: 'sessions' })
    expect([await sessions(), asked]).toEqual([1, 1])
    now = 29_999
    expect([await sessions(), asked]).toEqual([1, 1])
    now = 30_000
    expect([await sessions(), asked]).toEqual([2, 2])
    works = false
    now = 60_000
    expect([await sessions(), asked]).toEqual([undefined, 3])
    expect([await sessions(), asked]).toEqual([undefined, 3])
    works = true
    now = 90_000
    expect([await sessions(), asked]).toEqual([4, 4])
  })
})
