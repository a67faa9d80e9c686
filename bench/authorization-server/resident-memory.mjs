/*
 * Resident memory of an MCP server after many sign-ins, each with its own browser: sign in, approve,
 * redeem the code, call a tool. Read after collections and a rest, in which timers and pools settle.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { runAll } from '../lib/program.mjs'
import { createBrowser } from './browser.mjs'
import { createClient } from './clients.mjs'
import { startServer } from './processes.mjs'

const SIGN_INS = Number(process.env.BENCH_SIGN_INS ?? effort(1000, 5))
const IDLE_SECONDS = Number(process.env.BENCH_IDLE_SECONDS ?? effort(20, 1))
const AT_ONCE = 4

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

const APPS = [
  ['app-ours', 'ours', 'ours: Express, SDK v2', 'ours'],
  ['app-oidc-provider', 'oidc-provider', 'oidc-provider: Express, SDK v2', 'peer'],
]

export async function measureResidentMemory(postgres) {
  const rows = []
  for (const [name, kind, label, role] of APPS) {
    const server = await startServer(name, await postgres.createDatabase())
    const { rss: atStart } = await server.memory()
    await drive(server, kind)
    await server.memory()
    await delay(IDLE_SECONDS * 1000)
    const { rss, heapUsed } = await server.memory()
    rows.push({ label, role, values: [atStart / 1e6, rss / 1e6, heapUsed / 1e6] })
    server.stop()
  }
  const [, peer] = rows.at(-1).values
  return measuredTable(
    'resident-memory',
    `Resident memory after ${SIGN_INS} sign-ins and ${IDLE_SECONDS} s of rest`,
    [
      ['at start MB', 0],
      ['RSS MB', 0],
      ['heap MB', 0],
      ['RSS of oidc-provider', 2],
    ],
    rows.map((row) => ({ ...row, values: [...row.values, row.values[1] / peer] })),
  )
}
