// Builds the image of examples/coda-mcp from its Dockerfile without a container engine, in a clean
// folder, and starts the result as its user with a read-only tree. Exits 75 where there can be no sandbox.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from './free-port.mjs'
import { buildImage } from './image/build.mjs'
import { runIn, startIn, waitFor } from './image/container.mjs'
import { readDockerfile } from './image/dockerfile.mjs'
import { readDockerignore } from './image/dockerignore.mjs'
import { whyNoSandbox } from './image/sandbox.mjs'

const context = fileURLToPath(new URL('..', import.meta.url))
const dockerfile = join(context, 'examples/coda-mcp/Dockerfile')
const node = join(context, 'node_modules/.cache/node-24/bin/node')
const started = Date.now()
const log = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1)} s  ${text}`)

function check(holds, what) {
  if (!holds) throw new Error(what)
  log(`ok: ${what}`)
}

const reason = whyNoSandbox()
if (reason !== undefined) {
  console.log(`skipped: ${reason}; the workflow "ci" builds the image with Docker`)
  process.exit(75)
}
const installed = spawnSync('bash', [join(context, '.ci/install-node-24')], { stdio: 'inherit' })
if (installed.status !== 0) process.exit(installed.status ?? 1)

/** Where npm finds its packages on this machine: a container has the same settings by other means. */
function npmSettings() {
  const get = (name) => execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim()
  const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS } = process.env
  return {
    cache: get('cache'),
    npmEnv: {
      npm_config_registry: get('registry'),
      HTTP_PROXY,
      HTTPS_PROXY,
      NO_PROXY,
      NODE_EXTRA_CA_CERTS,
    },
  }
}

/** All files of a folder, relative to it. */
function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

function checkContents(image) {
  const app = join(image.root, 'app')
  const all = filesOf(app)
  const bytes = all.reduce((sum, file) => sum + statSync(join(app, file)).size, 0)
  log(`${all.length} files, ${(bytes / 1_048_576).toFixed(1)} MiB beside Node.js`)
  const found = (pattern) => all.filter((file) => pattern.test(file)).slice(0, 5)
  const none = (pattern, what) => {
    const files = found(pattern)
    check(files.length === 0, files.length === 0 ? what : `${what}, but ${files}`)
  }
  none(
    /^node_modules\/(typescript|vitest|turbo|tsup|esbuild|@biomejs)\//,
    'no development packages',
  )
  none(/^(packages|examples)\/[^/]+\/(src|test)\//, 'no sources and tests')
  none(/(^|\/)\.env|(^|\/)secrets\/|\.data\//, 'no settings, secrets and state')
  // The stage of the build runs on one kind of processor for all.
  none(/\.node$|\.so(\.\d+)*$/, 'nothing that is made for one kind of processor')
  none(/^(?!LICENSE)[^/]+(?<!package\.json)$/, 'nothing but package.json and LICENSE at the top')
}

const writer = `
const { writeFileSync } = require('node:fs')
for (const folder of ['/', '/app', '/app/examples/coda-mcp/dist', '/tmp', '/etc', '/usr', '/run', '/root', '/data']) {
  try { writeFileSync(folder + '/written', 'x'); console.log('written', folder) } catch {}
}`

async function checkFirstRun(image) {
  const port = await findFreePort()
  const metrics = String(await findFreePort())
  const env = { HOST: '127.0.0.1', PORT: String(port), METRICS_PORT: metrics, LOG_LEVEL: 'warn' }
  const server = startIn(image, { node, env })
  try {
    await waitFor(`http://127.0.0.1:${port}/health/ready`, server, 60_000)
    const owners = readdirSync(join(image.root, 'data')).map(
      (name) => statSync(join(image.root, 'data', name)).uid,
    )
    check(
      owners.length > 1 && owners.every((uid) => uid === 10_001),
      'the embedded database is in /data',
    )
    server.stop('SIGTERM')
    const { code } = await server.ended
    check(code === 0, `a first run ends with 0 on SIGTERM (${code})`)
  } finally {
    server.kill()
  }
}

/** As in production: reachable by others, with a way in, and process 1 of its container. */
async function checkServer(image) {
  const port = await findFreePort()
  const healthcheck = { node, env: { PORT: String(port) }, command: image.healthcheck.command }
  check((await runIn(image, healthcheck)).code === 1, 'the health check fails without a server')
  const metricsPort = await findFreePort()
  const env = {
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    PUBLIC_URL: 'https://coda.example.com',
    CODA_API_TOKEN: 'not-a-token',
    MCP_BEARER_TOKENS: `ci:sha256:${'0f'.repeat(32)}`,
    DRAIN_SECONDS: '5',
  }
  const server = startIn(image, { node, env })
  try {
    await waitFor(`http://127.0.0.1:${port}/health/live`, server, 30_000)
    log('ok: /health/live answers 200')
    const status = server.status()
    check(/^Uid:\s+10001\s+10001\s+10001\s+10001$/m.test(status), 'it runs as user 10001')
    check(/^Groups:\s*$/m.test(status), 'it is in no other group')
    check(
      /^NSpid:\s+\d+\s+1$/m.test(status),
      'it is process 1, so signals reach it and nobody else',
    )
    check(/^Cap(Eff|Bnd):\s+0+$/m.test(status), 'it runs without capabilities')
    check((await runIn(image, healthcheck)).code === 0, 'the health check of the image passes')
    const answer = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    check(answer.status === 401, `/mcp answers ${answer.status} to somebody without a token`)
    check(answer.headers.get('www-authenticate')?.startsWith('Bearer'), 'with a challenge')
    const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    check(metrics.status === 200, `/metrics answers ${metrics.status} on METRICS_PORT`)
    const begin = Date.now()
    server.stop('SIGTERM')
    const { code } = await server.ended
    const seconds = (Date.now() - begin) / 1000
    check(code === 0 && seconds < 5, `it ends with ${code} ${seconds.toFixed(1)} s after SIGTERM`)
  } finally {
    server.kill()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'image-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(1))
try {
  const stages = readDockerfile(dockerfile)
  const ignore = readDockerignore(dockerfile)
  const image = await buildImage(stages, { folder, context, ignore, node, log, ...npmSettings() })
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1)
  check(
    image.image.startsWith(`node:${version}-`),
    `${image.image} is the Node.js ${version} of this check`,
  )
  checkContents(image)
  const written = await runIn(image, { node, command: ['node', '-e', writer] })
  check(written.text === 'written /data\n', `only /data can be written (${written.text.trim()})`)
  const cli = await runIn(image, { node, command: ['mcp-auth', '--version'] })
  check(cli.code === 0, `mcp-auth is in the image (${cli.text.trim().slice(0, 200)})`)
  const optional = "await import('@infisical/sdk'); await import('@electric-sql/pglite')"
  const command = ['node', '--input-type=module', '-e', optional]
  const loaded = await runIn({ ...image, workdir: '/app/examples/coda-mcp' }, { node, command })
  check(loaded.code === 0, `what is loaded when it is used is there (${loaded.text.slice(0, 200)})`)
  await checkServer(image)
  await checkFirstRun(image)
  log('the image builds and starts')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
