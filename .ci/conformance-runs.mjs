// Runs the official conformance suite against the authorization server and, through the guard, against
// an MCP server. Prints a line for each run, and fails when a count is not as required.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { approve, register, startConformanceServer } from './conformance-server.mjs'
import { findFreePort } from './free-port.mjs'

const [, , folder] = process.argv
const suite = `${folder}/dist/index.js`
/** Checks of the `authorization` command; that of client documents came with 2025-11-25. */
const AUTHORIZATION_CHECKS = {
  'all revisions': 3,
  '2025-03-26': 2,
  '2025-06-18': 2,
  '2025-11-25': 3,
  '2026-07-28': 3,
}
const REQUIREMENTS = ['2025-11-25', '2026-07-28']
const DEADLINE_MILLISECONDS = 60_000

/** Runs the suite once; `onOutput` is told of everything it has printed so far. */
async function runSuite(parameters, onOutput = () => undefined) {
  const child = spawn(process.execPath, [suite, ...parameters], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MILLISECONDS)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (chunk) => {
      output += chunk
      onOutput(output)
    })
  }
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  return { code, output }
}

/** What the suite says at the end, of the scenarios that are scored. */
function readScored(output) {
  const [summary, rest = ''] = output.split('Not scored for')
  const unscored = new Set([...rest.matchAll(/^ +[✓✗] (\S+) /gm)].map(([, name]) => name))
  const scenarios = [...summary.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed/gm)]
    .map(([, name, passed, failed]) => ({ name, passed: Number(passed), failed: Number(failed) }))
    .filter(({ name }) => !unscored.has(name))
  const sum = (key) => scenarios.reduce((total, each) => total + each[key], 0)
  return { scenarios, passed: sum('passed'), failed: sum('failed') }
}

/** Names of the server scenarios that a revision requires, from the suite's own list. */
function readRequired(revision) {
  const text = readFileSync(`${folder}/requirements/${revision}.yaml`, 'utf8')
  const [, list = ''] = /^server:\n((?: {2}- \S+\n)+)/m.exec(text) ?? []
  return [...list.matchAll(/- (\S+)/g)].map(([, name]) => name)
}

let failures = 0
function report(title, isGood, counts, output) {
  console.log(`${isGood ? 'ok  ' : 'FAIL'} ${title}: ${counts}`)
  if (isGood) return
  failures += 1
  console.log(output)
}

async function runAuthorization(server, clientId, revision, resource) {
  const port = await findFreePort()
  let approval
  const { code, output } = await runSuite(
    [
      ...['authorization', '--url', server.issuer, '--client-id', clientId, '-p', String(port)],
      ...(revision === 'all revisions' ? [] : ['--spec-version', revision]),
      ...(resource === undefined ? [] : ['--resource', resource]),
    ],
    (printed) => {
      const url = /^(http\S+\/oauth\/authorize\?\S+)$/m.exec(printed)?.[1]
      if (url === undefined || approval !== undefined) return
      // The suite waits for a person with a browser.
      approval = approve(server.issuer, url).then((location) => fetch(location))
      approval.catch((error) => console.log(`the sign-in failed: ${error.message}`))
    },
  )
  const { passed, failed } = readScored(output)
  const required = AUTHORIZATION_CHECKS[revision]
  const title = `authorization, ${revision}, ${resource === undefined ? 'without' : 'with'} --resource`
  const isGood = code === 0 && passed === required && failed === 0
  report(title, isGood, `${passed}/${required} passed, ${failed} failed`, output)
}

async function runServer(server, revision) {
  const parameters = ['server', '--url', server.protectedUrl, '--requirements', revision]
  const { code, output } = await runSuite(parameters)
  const { scenarios, passed, failed } = readScored(output)
  const required = readRequired(revision)
  const good = scenarios.filter((each) => each.passed > 0 && each.failed === 0)
  const isComplete =
    required.length > 0 && required.every((name) => good.some((each) => each.name === name))
  report(
    `server --requirements ${revision}, through the guard`,
    code === 0 && failed === 0 && isComplete,
    `${good.length}/${required.length} scored scenarios, ${passed} checks passed, ${failed} failed`,
    output,
  )
}

/** Without this the runs above would say nothing about the guard. */
async function checkGuard(server) {
  const { status } = await fetch(server.resource, { method: 'POST', body: '{}' })
  report('server without a token', status === 401, `answered ${status}`, '')
}

const server = await startConformanceServer()
try {
  const clientId = await register(server.issuer, 'http://127.0.0.1:9805/callback')
  for (const revision of Object.keys(AUTHORIZATION_CHECKS)) {
    for (const resource of [undefined, server.resource]) {
      await runAuthorization(server, clientId, revision, resource)
    }
  }
  await checkGuard(server)
  for (const revision of REQUIREMENTS) await runServer(server, revision)
} finally {
  await server.close()
}
console.log(`conformance: ${failures === 0 ? 'all runs as required' : `${failures} runs failed`}`)
process.exitCode = failures === 0 ? 0 : 1
