import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('./server.mjs', import.meta.url))
const LOAD = fileURLToPath(new URL('./load.mjs', import.meta.url))

async function answerOf(child, message) {
  const given = new AbortController()
  const { signal } = given
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error('the process ended by itself')
  })
  ended.catch(() => {})
  const answer = once(child, 'message', { signal })
  if (message !== undefined) child.send(message)
  try {
    const [value] = await Promise.race([answer, ended])
    if (value.error !== undefined) throw new Error(value.error)
    return value
  } finally {
    given.abort()
  }
}

/** Starts a server: `{ app, candidate, options }`, with what all candidates of a run share. */
export async function startServer({ app, candidate, options = {} }, context) {
  const child = fork(SERVER, [app, candidate, JSON.stringify({ ...context, ...options })], {
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: [],
  })
  const { port } = await answerOf(child)
  return {
    port,
    usage: () => answerOf(child, 'usage'),
    stop: () => child.disconnect(),
  }
}

/** Starts the load generator. */
export function startLoad() {
  const child = fork(LOAD, [], { execArgv: [] })
  return {
    run: async (job) => (await answerOf(child, job)).statuses,
    stop: () => child.disconnect(),
  }
}

const TOOL_CALL = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'whoami', arguments: {} },
})

/** The bytes of one request as an MCP client sends it. */
export function requestBytes(token, { toolCall = false } = {}) {
  const lines = [
    `${toolCall ? 'POST' : 'GET'} /mcp HTTP/1.1`,
    'Host: mcp.example.com',
    'User-Agent: claude-mcp-client/1.0',
    'Accept: application/json, text/event-stream',
    'Content-Type: application/json',
    'Mcp-Protocol-Version: 2025-11-25',
    'Accept-Encoding: gzip, deflate, br',
  ]
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`)
  if (toolCall) lines.push(`Content-Length: ${TOOL_CALL.length}`)
  return `${lines.join('\r\n')}\r\n\r\n${toolCall ? TOOL_CALL : ''}`
}
