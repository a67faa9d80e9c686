import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('./server.mjs', import.meta.url))
/** Longer than any deadline of ours; a peer that has answered nothing by then has none. */
const PATIENCE_MILLISECONDS = 8000

/** Serves a key set on loopback, in a way that can be changed: `ok`, `500`, `html`, `hang` or `reset`. */
export async function startKeys(keys) {
  let mode = 'ok'
  let fetches = 0
  const server = createServer((_request, response) => {
    fetches += 1
    if (mode === 'hang') return
    if (mode === 'reset') {
      response.destroy()
      return
    }
    const isJson = mode !== 'html'
    response.writeHead(mode === '500' ? 500 : 200, {
      'content-type': isJson ? 'application/json' : 'text/html',
    })
    response.end(isJson && mode === 'ok' ? JSON.stringify({ keys }) : '<!doctype html><p>canary')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    uri: `http://127.0.0.1:${server.address().port}/jwks.json`,
    answer(next) {
      mode = next
    },
    fetches: () => fetches,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Starts a server with one candidate, in production. What it prints is kept. */
export async function startServer(name, keys) {
  const output = []
  const child = fork(SERVER, [name, keys.uri], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => output.push(String(chunk)))
  }
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error(`${name} did not start: ${output.join('').slice(-500)}`)
    }),
  ])
  return {
    name,
    output: () => output.join(''),
    send: (input) => send(message.port, input),
    async stop() {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}

/**
 * Sends one request. Header fields are a flat list, so that they may repeat.
 *
 * @returns status 0 when there was no answer in time.
 */
function send(port, { method = 'POST', path = '/mcp', headers = [], body = '' }) {
  const length = String(Buffer.byteLength(body))
  return new Promise((resolve) => {
    const none = () => resolve({ status: 0, challenge: '', text: '' })
    const outgoing = httpRequest({
      ...{ port, host: '127.0.0.1', method, path, agent: false },
      headers: ['Host', 'mcp.example.com', 'Content-Length', length, ...headers],
      signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
    })
    outgoing.on('error', none)
    outgoing.on('response', (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', none)
      response.on('end', () => {
        const challenge = response.headers['www-authenticate'] ?? ''
        const text = `${Buffer.concat(chunks)}`
        resolve({
          status: response.statusCode,
          challenge,
          text,
          all: response.rawHeaders.join('\n'),
        })
      })
    })
    outgoing.end(body, 'latin1')
  })
}
