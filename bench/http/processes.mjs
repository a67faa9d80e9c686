import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('./server.mjs', import.meta.url))
const LOAD = fileURLToPath(new URL('./load.mjs', import.meta.url))

async function answerOf(child, message) {
  const answer = once(child, 'message')
  if (message !== undefined) child.send(message)
  const [value] = await answer
  if (value.error !== undefined) throw new Error(value.error)
  return value
}

/** Starts a server with one candidate on the given Node.js. */
export async function startServer(name, { execPath, fixturePath, jwksUri }) {
  const child = fork(SERVER, [name, fixturePath, jwksUri], {
    execPath,
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: [],
  })
  const { port } = await answerOf(child)
  return {
    name,
    port,
    usage: () => answerOf(child, 'usage'),
    stop: () => child.disconnect(),
  }
}

/** Starts the load generator. It runs on the Node.js of this program, whatever the servers run on. */
export function startLoad() {
  const child = fork(LOAD, [], { execArgv: [] })
  return {
    run: async (job) => (await answerOf(child, job)).statuses,
    stop: () => child.disconnect(),
  }
}

/** The bytes of one request as an MCP client sends it. */
export function requestBytes(token) {
  return [
    'GET /mcp HTTP/1.1',
    'Host: mcp.example.com',
    'User-Agent: claude-mcp-client/1.0',
    'Accept: application/json, text/event-stream',
    'Content-Type: application/json',
    'Mcp-Protocol-Version: 2025-11-25',
    'Accept-Encoding: gzip, deflate, br',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    '',
    '',
  ].join('\r\n')
}
