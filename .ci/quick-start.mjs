// Runs `npm start` as the README says, waits until it serves, and calls it the way it prints.
import { spawn } from 'node:child_process'

const DEADLINE_MS = 60_000
const base = 'http://localhost:8080'
const started = Date.now()
const environment = { ...process.env }
// Nothing configured: the settings of this shell must not take part.
for (const name of ['PORT', 'HOST', 'PUBLIC_URL', 'CODA_API_TOKEN', 'MCP_BEARER_TOKENS']) {
  delete environment[name]
}

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
  const token = /Bearer (ey[\w-]+\.[\w-]+\.[\w-]+)/.exec(output)?.[1]
  if (token === undefined) fail('no token was printed')
  await callTool(token)
  console.log('quick start: the printed token called coda_whoami')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  // The whole group that this script started: npm, turbo and the server.
  try {
    process.kill(-server.pid, 'SIGTERM')
  } catch {
    // Already gone.
  }
}
