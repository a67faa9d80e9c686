import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { alerts, example, problemsOf, problemsOfEdited } from './support/deployment.js'

interface Rule {
  readonly alert: string
  expr: string
  for?: string
}

type Change = readonly [field: 'expr' | 'for', text: string, replacement: string]

/** For each alert: a change by which it fires too early, and one by which it no longer fires. */
const changes: readonly (readonly [alert: string, lax: Change, strict: Change])[] = [
  [
    'CodaMcpGone',
    ['expr', 'absent(server_info)', 'absent(server_info{instance="b:9464"})'],
    ['expr', 'absent(server_info)', 'absent(up)'],
  ],
  ['CodaMcpReplicaGone', ['expr', '{job="coda-mcp"}', ''], ['expr', '== 0', '== 2']],
  ['CodaMcpNotReady', ['for', '5m', '3m'], ['expr', '== 0', '== 2']],
  ['CodaMcpErrors', ['expr', '0.05', '0.03'], ['expr', '0.05', '0.07']],
  ['CodaMcpSlow', ['expr', '> 20', '> 19'], ['expr', '> 20', '> 26']],
  ['CodaMcpTokenValidationSlow', ['expr', '> 1', '> 0.9'], ['expr', '> 1', '> 2.1']],
  ['CodaMcpStoreUnavailable', ['expr', '> 3', '> 1.9'], ['expr', '> 3', '> 6']],
  [
    'CodaMcpStoreDamaged',
    ['expr', '{reason="integrity"}', ''],
    ['expr', 'integrity', 'unavailable'],
  ],
  ['CodaMcpDegraded', ['for', '5m', '3m'], ['expr', 'max by', 'min by']],
  [
    'CodaMcpKeySetUnavailable',
    ['expr', 'unless', 'or'],
    ['expr', 'outcome!="fetched"', 'outcome="misconfigured"'],
  ],
  [
    'CodaMcpTokenReuse',
    ['expr', 'token.reuse|code.reuse', 'token.re.*'],
    ['expr', 'token.reuse|', ''],
  ],
  ['CodaMcpManyRefusals', ['expr', '> 5', '> 3.9'], ['expr', '|forbidden', '']],
  ['CodaMcpRateLimited', ['expr', 'sum by (limit) (', 'sum('], ['expr', '> 1', '> 2.1']],
  ['CodaMcpCodaErrors', ['expr', '0.2', '0.18'], ['expr', '|none', '']],
  ['CodaMcpCodaRateLimited', ['expr', '0.1', '0.08'], ['expr', '0.1', '0.12']],
  ['CodaMcpAuditLoss', ['expr', '{outcome="dropped"}', ''], ['expr', '> 0', '> 5']],
  ['CodaMcpBusy', ['expr', 'and on (instance) server_info == 1', ''], ['expr', '> 0.9', '> 0.96']],
  ['CodaMcpLagging', ['expr', '> 0.5', '>= 0.5'], ['expr', '> 0.5', '> 0.6']],
  ['CodaMcpMemory', ['for', '15m', '14m'], ['expr', '450e6', '461e6']],
  ['CodaMcpRestarts', ['expr', '> 3', '>= 3'], ['expr', '> 3', '> 4']],
]

/** What the tests of the alerts say when every alert is changed. */
function testWith(kind: 'lax' | 'strict'): string {
  return problemsOfEdited('promtool test rules', alerts, (text) => {
    const { groups } = parse(text) as { groups: { name: string; rules: Rule[] }[] }
    const rules = new Map(groups.flatMap((group) => group.rules).map((rule) => [rule.alert, rule]))
    for (const [alert, lax, strict] of changes) {
      const [field, before, after] = kind === 'lax' ? lax : strict
      const rule = rules.get(alert)
      if (rule?.[field]?.includes(before) !== true) throw new Error(`${alert} has no ${before}`)
      rule[field] = rule[field].replace(before, after)
    }
    return stringify({ groups })
  })
}

describe('the tests of the alerts', () => {
  const { groups } = parse(readFileSync(join(example, alerts), 'utf8')) as {
    groups: { rules: Rule[] }[]
  }
  const lax = testWith('lax')
  const strict = testWith('strict')

  it('are tried with a change of every alert', () => {
    const names = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert))
    expect(changes.map(([alert]) => alert)).toEqual(names)
  })

  it.each(changes.map(([alert, change]) => [alert, ...change] as const))(
    '%s: fail when its %s has no "%s" but "%s", with which it fires too early',
    (alert) => {
      if (lax === 'skipped') return
      expect(lax).toMatch(new RegExp(`alertname: ${alert}, time: \\w+, \\s+exp:\\[\\s*\\], `))
    },
  )

  it.each(changes.map(([alert, , change]) => [alert, ...change] as const))(
    '%s: fail when its %s has no "%s" but "%s", with which it stays silent',
    (alert) => {
      if (strict === 'skipped') return
      expect(strict).toMatch(
        new RegExp(`alertname: ${alert}, time: \\w+, \\s+exp:\\[\\s*\\S[^]*?got:\\[\\s*\\]`),
      )
    },
  )

  it.each([
    [
      'an alert without a test',
      alerts,
      'alert: CodaMcpBusy',
      'alert: CodaMcpIdle',
      'no test says when CodaMcpIdle fires',
    ],
    [
      'a test without an alert',
      alerts,
      'alert: CodaMcpBusy',
      'alert: CodaMcpIdle',
      'is for CodaMcpBusy',
    ],
    [
      'an alert whose test shows no harmless series',
      'deploy/prometheus/availability.test.yml',
      /( {2}- name: 'CodaMcpNotReady does not)[\s\S]*?(?= {2}- name: 'CodaMcpDegraded)/,
      '',
      'no test says when CodaMcpNotReady does not fire',
    ],
  ])('are missed: %s', (_, file, text, replacement, expected) => {
    expect(problemsOf('promtool test rules', file, text, replacement)).toContain(expected)
  })
})
