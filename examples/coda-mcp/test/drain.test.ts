import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { createDrain } from '../src/drain.js'
import { listen } from './support/listen.js'
import { connect, startApp } from './support/mcp.js'
import { buildProgram } from './support/replica.js'
import { startStandIn } from './support/stand-in.js'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close()
})

describe('createDrain()', () => {
  it('is not ready, lets a pending call finish and closes its connection', async () => {
    const standIn = await startStandIn()
    open.push(standIn)
    let finish = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      finish = resolve
    })
    let asked = false
    const app = await startApp({
      codaBaseUrl: standIn.baseUrl,
      credentialFor: async () => {
        asked = true
        await waiting
        return 'token'
      },
    })
    open.unshift(app)
    app.health.started()
    const client = await connect(app.origin, 'v1')
    const pending = client.call('coda_whoami')
    await expect.poll(() => asked).toBe(true)
    const drained = app.drain.begin(app.server)
    const again = app.drain.begin(app.server)
    await expect.poll(() => app.server.listening).toBe(false)
    finish()
    expect((await pending).isError).toBe(false)
    await Promise.all([drained, again])
    await expect(fetch(`${app.origin}/health/live`)).rejects.toThrow()
  })

  it('still answers while load balancers learn of it, and says that the connection ends', async () => {
    let goOn = (): void => {}
    const sleeps: number[] = []
    let begun = 0
    const drain = createDrain({
      drainSeconds: 20,
      onBegin: () => {
        begun += 1
      },
      sleep: async (ms) => {
        sleeps.push(ms)
        if (sleeps.length === 1) {
          await new Promise<void>((resolve) => {
            goOn = resolve
          })
        }
      },
    })
    const app = express()
    app.use(drain.middleware)
    app.get('/', (_request, response) => void response.send('ok'))
    const listening = await listen(app)
    open.push(listening)
    expect((await fetch(listening.origin)).headers.get('connection')).toBe('keep-alive')
    const drained = drain.begin(listening.server)
    const response = await fetch(listening.origin)
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close'])
    expect([begun, sleeps]).toEqual([1, [4_000]])
    goOn()
    await drained
    expect(listening.server.listening).toBe(false)
  })

  it('breaks off what is still open when time is up', async () => {
    const server = createServer(() => {})
    const drain = createDrain({
      drainSeconds: 7,
      acceptSeconds: 0,
      onBegin: () => {},
      sleep: async () => {},
    })
    server.listen(0, '127.0.0.1')
    await expect.poll(() => server.listening).toBe(true)
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const received = new Promise((resolve) => server.once('request', resolve))
    const pending = fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error)
    await received
    await drain.begin(server)
    expect(await pending).toBeInstanceOf(Error)
  })
})

/** Sends a request on each of so many new connections, from a thread of its own. */
const CLIENTS = `
const { connect } = require('node:net')
const { parentPort, workerData } = require('node:worker_threads')
const { port, count, sent } = workerData
const answers = []
for (let index = 0; index < count; index += 1) {
  let answer = ''
  const socket = connect(port, '127.0.0.1', () => {
    socket.write('GET / HTTP/1.1\\r\\nhost: localhost\\r\\n\\r\\n', () => {
      Atomics.add(sent, 0, 1)
      Atomics.notify(sent, 0)
    })
  })
  socket.on('data', (chunk) => { answer += chunk })
  socket.on('error', (error) => { answer += error.code })
  socket.on('close', () => {
    answers.push(answer.slice(0, 15))
    if (answers.length === count) parentPort.postMessage(answers)
  })
}
`

describe('a drain of a busy server', () => {
  it('answers those who had connected and were not accepted yet', async () => {
    const drain = createDrain({ drainSeconds: 10, acceptSeconds: 0, onBegin: () => {} })
    const app = express()
    app.use(drain.middleware, (_request, response) => void response.send('ok'))
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const sent = new Int32Array(new SharedArrayBuffer(4))
    const { port } = server.address() as AddressInfo
    const count = 100
    const clients = new Worker(CLIENTS, { eval: true, workerData: { port, count, sent } })
    const answered = once(clients, 'message')
    // Busy until every request is on its way.
    for (let seen = 0; seen < count; seen = Atomics.load(sent, 0)) {
      expect(Atomics.wait(sent, 0, seen, 15_000)).not.toBe('timed-out')
    }
    await drain.begin(server)
    const [answers] = await answered
    expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 200 OK']))
    await clients.terminate()
  })
})

describe('endOnSignals()', () => {
  it.each(['SIGTERM', 'SIGINT'])('loses no %s that comes while the start ends', async (signal) => {
    const program = await buildProgram('hand-over')
    const options = { timeout: 15_000, killSignal: 'SIGKILL' } as const
    const { stdout } = await promisify(execFile)(process.execPath, [program, signal], options)
    expect(stdout).toBe('drains\n')
  })
})
