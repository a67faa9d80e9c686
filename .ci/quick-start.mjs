// Runs `npm start` as the README says, waits until it serves, and calls it the way it prints.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Building everything, and making the embedded database, on a slow machine.
const DEADLINE_MS = 120_000
const base = 'http://localhost:8080'
const started = Date.now()
// Nothing configured: the settings of this shell must not take part, and no data of an earlier start.
const own = /^(PORT|HOST|PUBLIC_URL|DATABASE_URL|(CODA|OAUTH|OIDC|STYTCH|CF_ACCESS|MCP|TOKEN)_.*)$/
const dataFolder = mkdtempSync(join(tmpdir(), 'quick-start-'))
const environment = Object.fromEntries(
  Object.entries({ ...process.env, DATA_DIR: dataFolder }).filter(([name]) => !own.test(name)),
)

const server = spawn('npm', ['start'], {
  env: environment,
  detached: true,
  stdio: ['ignore', 'pipe', 'pipe'],
})
let output = ''
for (const stream of [server.stdout, server.stderr]) {
  stream.on('data', (chunk) => {
    output += chunk
    process.stdout.write(chunk)
  })
}

function fail(message) {
  throw new Error(message)
}

async function waitForHealth() {
  while (Date.now() - started < DEADLINE_MS) {
    if (server.exitCode !== null) fail(`npm start ended with ${server.exitCode}`)
    try {
      const response = await fetch(`${base}/health`)
      if (response.ok) return await response.json()
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return fail(`nothing was served within ${DEADLINE_MS / 1000} s`)
}

/** Registers as an app does, and opens the page that the app would open. */
async function openSignIn(as) {
  const redirectUri = 'http://127.0.0.1:7777/callback'
  const registration = await fetch(as.registration_endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Quick start',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    }),
  })
  const { client_id: clientId } = await registration.json()
  if (registration.status !== 201) fail(`registration answered ${registration.status}`)
  const page = new URL(as.authorization_endpoint)
  page.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    resource: `${base}/mcp`,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const sent = await fetch(page, { redirect: 'manual' })
  const cookie = sent.headers.getSetCookie().map((each) => each.split(';')[0])
  const location = sent.headers.get('location')
  if (location === null) fail(`the authorization endpoint answered ${sent.status}`)
  const signIn = await fetch(new URL(location, page), { headers: { cookie: cookie.join('; ') } })
  const html = await signIn.text()
  if (signIn.status !== 200 || !html.includes('dev@example.com')) {
    fail(`no page to sign in on: ${signIn.status} ${html.slice(0, 500)}`)
  }
}

async function callTool(token) {
  const response = await fetch(`${base}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'coda_whoami', arguments: {} },
    }),
  })
  const body = await response.text()
  if (response.status !== 200 || !body.includes('result') || body.includes('"isError":true')) {
    fail(`the printed token does not call a tool: ${response.status} ${body.slice(0, 500)}`)
  }
}

try {
  const health = await waitForHealth()
  console.log(`served after ${((Date.now() - started) / 1000).toFixed(1)} s`, health)
  const anonymous = await fetch(`${base}/mcp`, { method: 'POST', body: '{}' })
  const challenge = anonymous.headers.get('www-authenticate') ?? ''
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1]
  if (anonymous.status !== 401 || metadataUrl === undefined) fail(`no challenge: ${challenge}`)
  const metadata = await (await fetch(metadataUrl)).json()
  if (metadata.resource !== `${base}/mcp`) fail(`resource is ${metadata.resource}`)
  const [issuer] = metadata.authorization_servers
  const as = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
  if (as.issuer !== issuer) fail(`issuer is ${as.issuer}, not ${issuer}`)
  await openSignIn(as)
  const token = /Bearer (mcp_[\w-]+)/.exec(output)?.[1]
  if (token === undefined) fail('no token was printed')
  await callTool(token)
  console.log('quick start: an app can sign people in, and the printed token called coda_whoami')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  // The whole group that this script started: npm, turbo and the server.
  try {
    process.kill(-server.pid, 'SIGTERM')
    await once(server, 'close')
  } catch {
    // Already gone.
  }
  rmSync(dataFolder, { recursive: true, force: true })
}
