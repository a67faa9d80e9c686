import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

const unpacked = new URL('../../node_modules/.cache/promtool/usr/bin/promtool', import.meta.url)
  .pathname
const missing = {
  skipped: 'there is no promtool on this machine; .ci/install-promtool gets it from Debian',
}

/** The program that the variable PROMTOOL names, or the machine's, or what .ci/install-promtool has unpacked. */
function findPromtool() {
  const { PROMTOOL } = process.env
  const known = PROMTOOL === undefined ? ['promtool', unpacked] : [PROMTOOL]
  return known.find((path) => spawnSync(path, ['--version']).status === 0)
}

function run(promtool, words) {
  const { status, stdout, stderr } = spawnSync(promtool, words, { encoding: 'utf8' })
  return status === 0 ? [] : [`promtool: ${stdout}${stderr}`.trim()]
}

const folderOf = (example) => join(example, 'deploy/prometheus')
const isTest = (file) => file.endsWith('.test.yml')

/** What Prometheus says of the alert rules, or why it cannot be asked. */
export function checkRules({ example }) {
  const folder = folderOf(example)
  const files = existsSync(folder)
    ? readdirSync(folder).filter((file) => /\.ya?ml$/.test(file) && !isTest(file))
    : []
  if (files.length === 0) return ['deploy/prometheus: there are no rules']
  const promtool = findPromtool()
  if (promtool === undefined) return missing
  return run(promtool, ['check', 'rules', ...files.map((file) => join(folder, file))])
}

/** What alerts are expected to do in the tests: by name, whether they fire there. */
function expectationsOf(folder, tests) {
  return tests
    .flatMap((file) => parse(readFileSync(join(folder, file), 'utf8')).tests ?? [])
    .flatMap((test) => test.alert_rule_test ?? [])
    .map(({ alertname, exp_alerts }) => ({ name: alertname, fires: (exp_alerts ?? []).length > 0 }))
}

/** Whether each alert fires on the series that it is for, and not on the nearest others. */
export function testRules({ example, alerts }) {
  const folder = folderOf(example)
  const tests = readdirSync(folder).filter(isTest)
  const names = parse(alerts).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert))
  const expected = expectationsOf(folder, tests)
  const isTested = (name, fires) =>
    expected.some((each) => each.name === name && each.fires === fires)
  const problems = [
    ...names
      .filter((name) => !isTested(name, true))
      .map((name) => `deploy/prometheus: no test says when ${name} fires`),
    ...names
      .filter((name) => !isTested(name, false))
      .map((name) => `deploy/prometheus: no test says when ${name} does not fire`),
    // promtool passes an expectation of nothing for an alert that is not there.
    ...expected
      .filter(({ name }) => !names.includes(name))
      .map(({ name }) => `deploy/prometheus: a test is for ${name}, which is not there`),
  ]
  if (problems.length > 0) return problems
  const promtool = findPromtool()
  if (promtool === undefined) return missing
  return run(promtool, ['test', 'rules', ...tests.map((file) => join(folder, file))])
}

/** Whether Prometheus understands what the dashboard asks, with the variables of Grafana filled in. */
export function checkDashboard({ dashboard }) {
  const { panels } = JSON.parse(dashboard)
  const queries = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, expr })),
  )
  if (queries.length === 0) return ['coda-mcp.json: it asks for nothing']
  const promtool = findPromtool()
  if (promtool === undefined) return missing
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
  try {
    const rules = queries.map(({ expr }, index) => ({
      record: `panel:query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }))
    const file = join(folder, 'queries.json')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    return run(promtool, ['check', 'rules', file]).map(
      (said) =>
        `coda-mcp.json: ${said.replaceAll(/panel:query:(\d+)/g, (_, index) => JSON.stringify(queries[index].title))}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
