import { readFileSync } from 'node:fs'
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  type MetricDefinition,
  metricTable,
  processMetricTable,
} from '../../src/metrics/metric-table.js'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const table: Readonly<Record<string, MetricDefinition>> = {
  ...metricTable,
  ...processMetricTable,
  // Made by Prometheus for each target.
  up: { type: 'gauge', help: '1 while the target is scraped.', labels: {} },
}

/** Labels that Prometheus adds when it scrapes. */
const targetLabels = ['instance', 'job']

interface Selector {
  readonly metric: string
  /** Behind the name of a histogram. */
  readonly suffix: string
  readonly labels: readonly string[]
  /** Whether it selects values over a time, as `rate` needs it. */
  readonly isRange: boolean
  /** Functions around it, the innermost first. */
  readonly within: readonly string[]
}

interface Query {
  readonly selectors: readonly Selector[]
  /** Labels of `by`, `on` and the like. */
  readonly grouping: readonly string[]
  readonly functions: readonly string[]
}

function splitName(name: string): [metric: string, suffix: string] {
  const [, metric = name, suffix = ''] = /^(.*?)(_bucket|_count|_sum)?$/.exec(name) ?? []
  return name in table ? [name, ''] : [metric, suffix]
}

/** Parses PromQL, with the variables of Grafana filled in. */
function readQuery(text: string): Query {
  const expression = text.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')
  const selectors: Selector[] = []
  const grouping: string[] = []
  const functions: string[] = []
  const textOf = ({ from, to }: { from: number; to: number }): string => expression.slice(from, to)
  const labelsOf = (node: SyntaxNode): string[] => {
    const labels: string[] = []
    node.cursor().iterate((each) => {
      if (each.name === 'LabelName') labels.push(textOf(each))
    })
    return labels
  }
  function functionsAround(node: SyntaxNode): string[] {
    const names: string[] = []
    for (let outer = node.parent; outer !== null; outer = outer.parent) {
      const name = outer.name === 'FunctionCall' ? outer.getChild('FunctionIdentifier') : null
      if (name !== null) names.push(textOf(name))
    }
    return names
  }
  parser.parse(expression).iterate({
    enter: (each) => {
      if (each.type.isError) throw new Error(`not PromQL: ${expression} at ${each.from}`)
      if (each.name === 'VectorSelector') {
        const name = each.node.getChild('Identifier')
        if (name === null) throw new Error(`a selector without a name: ${expression}`)
        const [metric, suffix] = splitName(textOf(name))
        const matchers = each.node.getChild('LabelMatchers')
        const isRange = each.node.parent?.name === 'MatrixSelector'
        const labels = matchers === null ? [] : labelsOf(matchers)
        selectors.push({ metric, suffix, labels, isRange, within: functionsAround(each.node) })
      }
      if (each.name === 'GroupingLabels') grouping.push(...labelsOf(each.node))
      if (each.name === 'FunctionIdentifier') functions.push(textOf(each))
    },
  })
  return { selectors, grouping, functions }
}

/** What is wrong with a query, measured by the table of metrics. */
function problemsOf(text: string): string[] {
  const { selectors, grouping, functions } = readQuery(text)
  const problems: string[] = []
  if (selectors.length === 0) problems.push('names no metric')
  const known = new Set([...targetLabels, 'le'])
  for (const { metric, suffix, labels, isRange, within } of selectors) {
    const definition = table[metric]
    if (definition === undefined) {
      problems.push(`${metric} is not in the table`)
      continue
    }
    const { type } = definition
    const own = Object.keys(definition.labels)
    for (const label of own) known.add(label)
    for (const label of labels) {
      if (![...own, ...targetLabels].includes(label)) problems.push(`${metric} has no ${label}`)
    }
    if ((suffix !== '') !== (type === 'histogram')) problems.push(`${metric} is a ${type}`)
    const isGauge = type === 'gauge'
    const counts = !isGauge || metric === 'process_start_time_seconds'
    if (isRange !== counts) problems.push(`${metric} is read as another type`)
    const [inner = 'nothing'] = within
    const reads = isGauge ? ['changes'] : ['rate', 'increase']
    if (isRange && !reads.includes(inner)) problems.push(`${inner} is not for a ${type}`)
    if ((suffix === '_bucket') !== within.includes('histogram_quantile')) {
      problems.push(`histogram_quantile is for _bucket and nothing else: ${metric}${suffix}`)
    }
  }
  for (const label of grouping) {
    if (!known.has(label)) problems.push(`nothing is labelled ${label}`)
  }
  if (functions.includes('histogram_quantile')) {
    const isRight = selectors.every(({ suffix }) => suffix === '_bucket') && grouping.includes('le')
    if (!isRight) problems.push('histogram_quantile needs _bucket by le')
  }
  return problems
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const rules = (
  parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules)

interface Panel {
  readonly title: string
  readonly type: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const dashboard = JSON.parse(read('deploy/grafana/coda-mcp.json')) as {
  readonly panels: readonly Panel[]
}
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
)
const headings = [...read('METRICS.md').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
  title.toLowerCase().replaceAll(' ', '-'),
)

describe('problemsOf(), by which the queries are judged', () => {
  it.each([
    'sum(rate(http_requests_total{endpoint="mcp"}[5m]))',
    'histogram_quantile(0.9, sum by (le) (rate(coda_request_duration_seconds_bucket[5m])))',
    'rate(coda_request_duration_seconds_sum[5m]) / rate(coda_request_duration_seconds_count[5m])',
    'changes(process_start_time_seconds[30m])',
    'max(oauth_records{kind="codes"})',
    'up{job="coda-mcp"}',
  ])('finds nothing wrong with %s', (query) => {
    expect(problemsOf(query)).toEqual([])
  })

  it.each([
    ['rate(http_request_total[5m])', /not in the table/],
    ['rate(http_requests_total{code="200"}[5m])', /has no code/],
    ['sum by (tool) (rate(http_requests_total[5m]))', /nothing is labelled tool/],
    ['http_requests_total', /another type/],
    ['rate(server_ready[5m])', /another type/],
    ['rate(coda_request_duration_seconds[5m])', /is a histogram/],
    ['rate(http_requests_total_count[5m])', /not in the table|is a counter/],
    ['histogram_quantile(0.9, rate(coda_request_duration_seconds_sum[5m]))', /_bucket by le/],
    ['rate(process_start_time_seconds[5m])', /rate is not for a gauge/],
    ['changes(http_requests_total[5m])', /changes is not for a counter/],
    ['max_over_time(http_requests_total[5m])', /max_over_time is not for a counter/],
    [
      'sum by (le) (rate(coda_request_duration_seconds_bucket[5m]))',
      /for _bucket and nothing else/,
    ],
    ['histogram_quantile(0.9, sum by (le) (rate(http_requests_total[5m])))', /nothing else: http_/],
    ['histogram_quantile(0.9, sum(rate(coda_request_duration_seconds_bucket[5m])))', /by le/],
    ['1 + 1', /no metric/],
  ])('finds what is wrong with %s', (query, problem) => {
    expect(problemsOf(query).join()).toMatch(problem)
  })

  it('refuses what is not PromQL', () => {
    expect(() => problemsOf('sum(rate(http_requests_total[5m])')).toThrow(/not PromQL/)
  })
})

describe('deploy/prometheus/alerts.yaml', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for what there is',
    (_, rule) => {
      expect(problemsOf(rule.expr)).toEqual([])
    },
  )

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s has a severity, a summary and a runbook',
    (alert, { labels, annotations }) => {
      expect(labels?.severity).toMatch(/^(critical|warning)$/)
      expect(annotations?.summary?.length).toBeGreaterThan(10)
      const [page, anchor = ''] = annotations?.runbook_url?.split('#') ?? []
      expect(page).toMatch(/\/examples\/coda-mcp\/METRICS\.md$/)
      expect(anchor).toBe(alert.toLowerCase())
      expect(headings).toContain(anchor)
    },
  )

  it('names each alert once, and has a rule for each runbook', () => {
    const names = rules.map(({ alert }) => alert.toLowerCase())
    expect(new Set(names).size).toBe(names.length)
    expect(headings.filter((heading) => heading.startsWith('codamcp'))).toEqual(names)
  })

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s writes only labels that its result has',
    (_, { expr, annotations }) => {
      const used = [...(annotations?.summary ?? '').matchAll(/\$labels\.(\w+)/g)].map(
        ([, name]) => name,
      )
      const { grouping, selectors } = readQuery(expr)
      const isAggregated = /\b(sum|max|count)\b/.test(expr)
      const own = selectors.flatMap(({ metric }) => Object.keys(table[metric]?.labels ?? {}))
      const available = isAggregated ? grouping : [...own, ...targetLabels]
      for (const label of used) expect(available).toContain(label)
    },
  )
})

describe('deploy/grafana/coda-mcp.json', () => {
  it.each(queries.map(({ title, expr }) => [title, expr] as const))(
    '%s asks for what there is',
    (_, expr) => {
      expect(problemsOf(expr)).toEqual([])
    },
  )

  it('shows every metric of the server but those that say no more than others', () => {
    const shown = new Set(
      queries.flatMap(({ expr }) => readQuery(expr).selectors.map(({ metric }) => metric)),
    )
    expect(Object.keys(metricTable).filter((name) => !shown.has(name))).toEqual([])
  })

  it('labels lines with what their query groups by', () => {
    for (const { expr, legendFormat } of queries) {
      const { grouping } = readQuery(expr)
      const isAggregated = /\b(sum|max|count)\b/.test(expr)
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(isAggregated ? grouping : targetLabels).toContain(label)
      }
    }
  })
})
