/*
 * Resident memory of an MCP server after many sign-ins, each with its own browser: sign in, approve,
 * redeem the code, call a tool. Read after collections and a rest, in which timers and pools settle.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { runAll } from '../lib/program.mjs'
import { compare } from '../stores/limits.mjs'
import { createBrowser } from './browser.mjs'
import { createClient } from './clients.mjs'
import { startServer } from './processes.mjs'

const SIGN_INS = Number(process.env.BENCH_SIGN_INS ?? 1000)
const IDLE_SECONDS = Number(process.env.BENCH_IDLE_SECONDS ?? 60)
const AT_ONCE = 4
const LIMIT = 1.3

async function callTool(origin, token) {
  const response = await fetch(`${origin}/mcp`, {
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
      params: { name: 'whoami', arguments: {} },
    }),
  })
  const text = await response.text()
  if (!response.ok || !text.includes('"text"')) throw new Error(`tool call: ${text.slice(0, 300)}`)
}

async function drive(server, kind) {
  const client = await createClient({ ...server, kind })
  await runAll(Array.from({ length: SIGN_INS }), AT_ONCE, async () => {
    const form = await client.authorize(createBrowser(server.origin))
    const response = await fetch(client.tokenUrl, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    const { access_token: token } = await response.json()
    await callTool(server.origin, token)
  })
}

/** Measures and returns `{ signIns, idleSeconds, rows, comparisons }`. */
export async function measureResidentMemory(postgres) {
  const kinds = { 'app-ours': 'ours', 'app-oidc-provider': 'oidc-provider' }
  const rows = []
  for (const [name, kind] of Object.entries(kinds)) {
    const server = await startServer(name, await postgres.createDatabase())
    const { rss: atStart } = await server.memory()
    await drive(server, kind)
    await server.memory()
    await delay(IDLE_SECONDS * 1000)
    const { rss, heapUsed } = await server.memory()
    rows.push({ name, atStart, rss, heapUsed })
    server.stop()
  }
  const [ours, other] = rows
  const comparison = compare(
    `RSS after ${SIGN_INS} sign-ins`,
    'Express, SDK v2 and oidc-provider',
    ours.rss / other.rss,
    LIMIT,
  )
  return { signIns: SIGN_INS, idleSeconds: IDLE_SECONDS, rows, comparisons: [comparison] }
}
