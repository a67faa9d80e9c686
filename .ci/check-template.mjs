// Makes servers from the packed command, in an empty folder and without a manual edit: init, the tests of
// the server, build, start, doctor, and an MCP client that calls its tools. `--all` takes every combination.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findFreePort } from './free-port.mjs'
import { choicesFor } from './template/choices.mjs'
import { checkFiles } from './template/files.mjs'
import { startGithub } from './template/github.mjs'
import { checkInstalled, installTogether } from './template/install.mjs'
import { run, startServer, succeed } from './template/run.mjs'
import { stores } from './template/stores.mjs'
import { waysIn } from './template/ways-in.mjs'

// `--all` for every night. Names such as `stytch-env` are for whoever looks for a fault.
const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const choices = choicesFor({ all: values.all || positionals.length > 0 }).filter(
  ({ wayIn, store }) => positionals.length === 0 || positionals.includes(`${wayIn}-${store}`),
)
const work = mkdtempSync(join(tmpdir(), 'template-'))
const command = join(work, 'node_modules/.bin/mcp-auth')
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1)

function check(holds, message) {
  if (!holds) throw new Error(message)
}

/** What a person does between `init` and the first start. */
async function make({ wayIn, store }, folder) {
  const flags = ['--way-in', wayIn, '--store', store]
  await succeed(process.execPath, [command, 'init', folder, ...flags], { cwd: work })
  checkInstalled(work, folder)
  checkFiles(folder)
  // By day a test of the command does so, for the files where they are.
  if (values.all) await succeed('npm', ['run', 'types'], { cwd: folder })
  await succeed('npm', ['test'], { cwd: folder })
  await succeed('npm', ['run', 'build'], { cwd: folder })
}

const idsOf = (checks) => checks.map(({ id }) => id)

/** Holds the checks that ended in one way to those that are expected to, by their ids. */
function checkIds(what, checks, expected) {
  const lines = checks.map(({ id, status, reason, findings: [first] }) =>
    [id, status, reason, first?.sent, first?.received].join(' | '),
  )
  check(
    String(idsOf(checks)) === String(expected),
    `the doctor ${what}, where ${expected.join(', ') || 'nothing'} is expected:\n${lines.join('\n')}`,
  )
}

/**
 * Every check of the doctor has to pass that can pass with this way in, and those that are not made
 * have to be the known ones: a check that is not made any more finds nothing either. `unsure` are those
 * that may end in any way here.
 */
async function askDoctor(url, expected) {
  const { flags = [], input = '', found = [], skipped, unsure = [], env, cwd } = expected
  const parameters = [command, 'doctor', `${url}/mcp`, ...flags, '--strict', '--json']
  const { code, stdout, stderr } = await run(process.execPath, parameters, { cwd, env, input })
  check(!stderr.includes('unknown command'), 'this build of the command has no doctor')
  check(stdout.startsWith('{'), `the doctor ended with ${code}\n${stderr}`)
  const { checks, cleanup } = JSON.parse(stdout)
  const isBad = ({ status }) => status === 'failed' || status === 'warning'
  const sure = checks.filter(({ id }) => !unsure.includes(id))
  checkIds('found', sure.filter(isBad), found)
  checkIds(
    'skipped',
    sure.filter(({ status }) => status === 'skipped'),
    skipped,
  )
  const isActive = flags.includes('--active')
  check(cleanup?.registered > 0 === isActive, 'the doctor registered clients, or did not')
  // The embedded database belongs to the server, so that the doctor cannot remove what it registered.
  const isClean = !checks.some(isBad) && (cleanup?.left.length ?? 0) === 0
  check(code === (isClean ? 0 : 1), `the doctor ended with ${code}\n${stderr}`)
}

async function callTools(client, { isCaller, hasStore }) {
  const { tools } = await client.listTools()
  const names = tools.map(({ name }) => name).sort()
  const expected = hasStore ? ['github_account', 'whoami'] : ['whoami']
  check(String(names) === String(expected), `the tools are ${names}`)
  const { structuredContent: caller } = await client.callTool({ name: 'whoami' })
  check(isCaller(caller ?? {}), `whoami named ${JSON.stringify(caller)}`)
  if (!hasStore) return
  const account = await client.callTool({ name: 'github_account' })
  const { login } = account.structuredContent ?? {}
  check(login === 'octocat', `github_account answered ${JSON.stringify(account)}`)
}

/** Starts the server, looks at it from outside and uses it. */
async function use({ wayIn, store }, folder, github) {
  const port = await findFreePort()
  const closing = []
  try {
    const kept = await stores[store]({ folder, github })
    closing.push(kept.close)
    const own = `http://localhost:${port}`
    const entry = await waysIn[wayIn]({ folder, port, url: own })
    closing.push(entry.close)
    const env = { PORT: String(port), GITHUB_API_URL: github.url, ...kept.env, ...entry.env }
    const mcpAuth = (words, options) =>
      succeed(process.execPath, [command, ...words], { cwd: folder, ...options })
    await kept.before?.({ mcpAuth, env, github })
    const server = await startServer(folder, { env, url: own })
    closing.push(() => server.end())
    await kept.whileRunning?.({ mcpAuth, env, github })
    for (const expected of entry.doctor) {
      await askDoctor(entry.publicUrl ?? own, { ...expected, env, cwd: folder })
    }
    const client = await entry.connect()
    await callTools(client, { isCaller: entry.isCaller, hasStore: store !== 'none' })
    await client.close()
    check(!server.output().includes(github.token), 'the log holds the token of GitHub')
  } finally {
    for (const close of closing.reverse()) await close?.()
  }
}

async function checkChoice(choice, github) {
  const name = `${choice.wayIn}-${choice.store}`
  const folder = join(work, name)
  const started = performance.now()
  try {
    await make(choice, folder)
    await use(choice, folder, github)
    console.log(`ok   ${name} (${seconds(started)} s)`)
    return true
  } catch (error) {
    console.log(`FAIL ${name}\n${error.stack ?? error}`)
    return false
  }
}

let passed = 0
try {
  const installing = performance.now()
  await installTogether(work)
  console.log(`install: ${seconds(installing)} s`)
  check(existsSync(command), 'the packed command has no bin')
  const started = performance.now()
  const github = await startGithub()
  const waiting = [...choices]
  // Two at a time: most of the work is one thread of a compiler or of a test runner.
  const takeTurns = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (await checkChoice(next, github)) passed += 1
    }
  }
  await Promise.all([takeTurns(), takeTurns()])
  github.close()
  console.log(`${passed} of ${choices.length} servers made, tested, started, examined and used`)
  console.log(`machine time without the install: ${seconds(started)} s`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
process.exitCode = passed === choices.length && passed > 0 ? 0 : 1
