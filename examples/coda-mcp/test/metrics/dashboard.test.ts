import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Dashboard } from '../support/dashboard-schema.js'

const text = readFileSync(new URL('../../deploy/grafana/coda-mcp.json', import.meta.url), 'utf8')
const dashboard = Dashboard.parse(JSON.parse(text))

/** What is said of the dashboard with the first match replaced. */
function problemsWith(pattern: string | RegExp, replacement: string): string {
  const changed = text.replace(pattern, replacement)
  if (changed === text) throw new Error(`there is no ${pattern}`)
  const { error } = Dashboard.safeParse(JSON.parse(changed))
  return (error?.issues ?? [])
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('\n')
}

describe('deploy/grafana/coda-mcp.json', () => {
  it('is what Grafana takes', () => {
    expect(Dashboard.safeParse(JSON.parse(text)).error).toBeUndefined()
    expect(dashboard.panels.length).toBeGreaterThan(30)
  })

  it.each([
    ['a member that Grafana does not know', '"editable": true', '"editible": true', 'editible'],
    [
      'a panel that Grafana no longer has',
      '"type": "stat"',
      '"type": "singlestat"',
      'Invalid discriminator|Invalid input',
    ],
    ['a unit that does not exist', '"unit": "reqps"', '"unit": "req/s"', 'defaults.unit'],
    [
      'an id of one installation',
      /"uid": "\$\{datasource\}"/,
      '"uid": "PBFA97CFB590B2093"',
      'datasource.uid',
    ],
    ['another kind of data source', '"type": "prometheus"', '"type": "loki"', 'datasource.type'],
    ['two panels with one id', '"id": 3,', '"id": 2,', 'two panels have the id 2'],
    ['a panel wider than the page', /"x": 20,\s+"y": 1/, '"x": 21, "y": 1', 'wider than'],
    ['a panel on another one', /"x": 4,\s+"y": 1/, '"x": 3, "y": 1', 'lies on'],
    ['a panel one row too high', /"x": 0,\s+"y": 9/, '"x": 0, "y": 8', 'lies on'],
    ['a panel without a query', /"targets": \[[\s\S]*?\n {6}\]/, '"targets": []', 'targets'],
    ['a query without text', /"expr": ".*"/, '"expr": ""', 'expr'],
    ['a line without a name', '"legendFormat": "ready"', '"legendFormat": ""', 'legendFormat'],
    ['a query twice under one letter', '"refId": "B"', '"refId": "A"', 'has a refId twice'],
    [
      'a variable that nobody defines',
      'instance=~\\"$instance\\"',
      'instance=~\\"$replica\\"',
      'no variable is called replica',
    ],
    [
      'no choice of the data source',
      '"type": "datasource"',
      '"type": "constant"',
      'templating.list.0',
    ],
    [
      'a variable that differs from its definition',
      '"query": "label_values(server_info, instance)"',
      '"query": "label_values(up, instance)"',
      'differs from its definition',
    ],
    ['a model of an older Grafana', '"schemaVersion": 39', '"schemaVersion": 16', 'schemaVersion'],
    ['a time that does not exist', '"from": "now-6h"', '"from": "6h ago"', 'time.from'],
  ])('would be refused with %s', (_, pattern, replacement, problem) => {
    expect(problemsWith(pattern, replacement)).toMatch(new RegExp(problem))
  })

  it('shows times in seconds, memory in bytes, parts in per cent, and rates per second', () => {
    for (const panel of dashboard.panels) {
      if (panel.type === 'row') continue
      const { unit } = panel.fieldConfig.defaults
      for (const { expr } of panel.targets) {
        const isRate = /\brate\(/.test(expr)
        const expected = /_bytes\b/.test(expr)
          ? ['bytes']
          : /histogram_quantile|lag_p99_seconds/.test(expr)
            ? ['s']
            : /process_cpu_seconds_total|\) \/ /.test(expr)
              ? ['percentunit']
              : isRate
                ? ['reqps', 'ops']
                : ['none']
        expect(expected, `${panel.title}: ${expr}`).toContain(unit)
      }
    }
  })
})
