import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  formatMetricTables,
  type MetricDefinition,
  metricTable,
  processMetricTable,
} from '../../src/metrics/metric-table.js'
import { createMetrics } from '../../src/metrics/metrics.js'

const page = readFileSync(new URL('../../METRICS.md', import.meta.url), 'utf8')

function metricRows(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /^\| `[a-z_]+` \| (counter|gauge|histogram) \|/.test(line))
}

describe('the table of metrics', () => {
  it('is what METRICS.md shows, row by row, and nothing else', () => {
    const [own, process] = formatMetricTables()
    expect(metricRows(page)).toEqual([...metricRows(own), ...metricRows(process)])
    expect(metricRows(own)).toHaveLength(Object.keys(metricTable).length)
  })

  it.each(Object.entries<MetricDefinition>(metricTable))(
    'names %s as Prometheus asks for its type',
    (name, { type, buckets }) => {
      expect(name.endsWith('_total')).toBe(type === 'counter')
      expect(name.endsWith('_seconds')).toBe(type === 'histogram')
      expect(buckets !== undefined).toBe(type === 'histogram')
      expect(buckets).toEqual(buckets && [...buckets].sort((a, b) => a - b))
    },
  )

  it('has every metric in the output, with its type and help, and those of the process', async () => {
    const text = await createMetrics().format()
    const all: Record<string, MetricDefinition> = { ...metricTable, ...processMetricTable }
    for (const [name, { type }] of Object.entries(all)) {
      expect(text).toContain(`# TYPE ${name} ${type}\n`)
    }
    for (const [name, { help }] of Object.entries<MetricDefinition>(metricTable)) {
      expect(text).toContain(`# HELP ${name} ${help}\n`)
    }
  })
})

describe('createMetrics()', () => {
  it('shows what was counted, measured and added', async () => {
    const metrics = createMetrics()
    metrics.count('rate_limited_total', { limit: 'client' })
    metrics.count('audit_entries_total', { outcome: 'written' }, 3)
    metrics.add('http_requests_in_flight', {}, 2)
    metrics.add('http_requests_in_flight', {}, -1)
    const labels = { tool: 'coda_whoami', outcome: 'ok' }
    metrics.observe('mcp_tool_call_duration_seconds', labels, 0.2)
    const text = await metrics.format()
    expect(text).toContain('rate_limited_total{limit="client"} 1\n')
    expect(text).toContain('audit_entries_total{outcome="written"} 3\n')
    expect(text).toContain('http_requests_in_flight 1\n')
    expect(text).toMatch(/_bucket\{le="0.1",tool="coda_whoami",outcome="ok"\} 0\n/)
    expect(text).toMatch(/_bucket\{le="0.25",tool="coda_whoami",outcome="ok"\} 1\n/)
  })

  it('reads gauges at each scrape and leaves out what cannot be read', async () => {
    const metrics = createMetrics()
    let ready = 1
    metrics.read('server_ready', (set) => set({}, ready))
    metrics.read('oauth_records', async () => {
      throw new Error('no database')
    })
    expect(await metrics.format()).toContain('server_ready 1\n')
    ready = 0
    const text = await metrics.format()
    expect(text).toContain('server_ready 0\n')
    expect(text).not.toMatch(/^oauth_records/m)
    metrics.read('server_ready', () => {
      throw new Error('unknown')
    })
    expect(await metrics.format()).not.toMatch(/^server_ready /m)
  })
})
