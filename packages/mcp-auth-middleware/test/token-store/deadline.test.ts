import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDeadline } from '../../src/token-store/deadline.js'

/** Answers every byte at once, in a thread of its own, so that this one can stand still meanwhile. */
const ECHO = `
  const { createServer } = require('node:net')
  const { parentPort } = require('node:worker_threads')
  const server = createServer((socket) => socket.pipe(socket))
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

let worker: Worker
let port: number

beforeAll(async () => {
  worker = new Worker(ECHO, { eval: true })
  ;[port] = await once(worker, 'message')
})

afterAll(async () => {
  await worker.terminate()
})

function standStill(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

describe('withDeadline()', () => {
  it('takes an answer that came in time although this process stood still past the deadline', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const answer = await withDeadline(50, undefined, async () => {
      const data = once(socket, 'data')
      socket.write('!')
      // The byte leaves before the process stops, and its answer lies unread when it goes on.
      await new Promise((resolve) => setImmediate(resolve))
      standStill(200)
      const [chunk] = await data
      return String(chunk)
    })
    socket.destroy()
    expect(answer).toBe('!')
  })

  it('ends an operation that does not answer, also one that ignores its signal', async () => {
    let given: AbortSignal | undefined
    const silent = withDeadline(20, undefined, (signal) => {
      given = signal
      return new Promise(() => {})
    })
    await expect(silent).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(given?.aborted).toBe(true)
  })

  it('rejects with the reason of the caller when the caller gives up first', async () => {
    const caller = new AbortController()
    const reason = new Error('no longer needed')
    const waiting = withDeadline(10_000, caller.signal, () => new Promise(() => {}))
    caller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    const never = () => Promise.reject(new Error('must not run'))
    await expect(withDeadline(10_000, caller.signal, never)).rejects.toBe(reason)
  })
})
