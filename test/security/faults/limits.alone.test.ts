import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Replica } from '../../../examples/coda-mcp/test/support/replica.js'
import { recordFigure } from '../support/figures.js'
import { type App, openApp } from './support/app.js'
import { exchange, rpc, whoami } from './support/exchange.js'
import { canLimit, countDescriptors, limitDescriptors } from './support/limits.js'
import { expectAlive } from './support/recovery.js'
import { engine, openStage, type Stage, subjectOf } from './support/stage.js'
import { isBlamed, verdictOf } from './support/verdicts.js'

const DESCRIPTORS = 256
const SOCKETS = 600
const HEAP_MEGABYTES = 96
/** Below the 4 MiB that a message may have. */
const BODY_BYTES = 3 * 1024 * 1024
/** So many of somebody who is let in, more than the heap has room for; and of others, whose are not read. */
const BODIES = 40
const STRANGERS = 40

const isCi = /^(?:1|true)$/i.test(process.env.CI ?? '')
const skips = engine === undefined || (!canLimit && !isCi)
if (skips) process.stderr.write('[F14] skipped: PostgreSQL or prlimit is not here\n')

let stage: Stage
let replica: Replica
let app: App
const sockets: Socket[] = []

beforeAll(async () => {
  if (skips) return
  stage = await openStage({ replicas: 0 })
  const NODE_OPTIONS = `--max-old-space-size=${HEAP_MEGABYTES}`
  replica = await stage.startReplica({ NODE_OPTIONS })
  limitDescriptors(replica.pid, DESCRIPTORS)
  app = await openApp(stage)
}, 120_000)
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})
afterAll(() => stage?.close(), 60_000)

/** Everything a client does works, on new connections. */
async function expectService(user: number): Promise<number> {
  const began = performance.now()
  const token = await stage.issuer.token({ sub: subjectOf(user) })
  const isServed = async (): Promise<boolean> => {
    const called = verdictOf('tool', await exchange(replica.url, whoami(false, token)))
    return called === 'right' && (await app.refresh().catch(() => undefined))?.status === 200
  }
  await expect.poll(isServed, { timeout: 30_000, interval: 100 }).toBe(true)
  return performance.now() - began
}

function recordRecovery(part: string, milliseconds: number, method: string): void {
  recordFigure({
    id: 'R8',
    part,
    values: { 'milliseconds until full service': Math.round(milliseconds) },
    isMet: milliseconds <= 5_000,
    method,
  })
  process.stderr.write(`[${part}] full service after ${milliseconds.toFixed(0)} ms\n`)
}

describe.skipIf(skips)('a server with little', () => {
  it(`F14 with ${DESCRIPTORS} file descriptors refuses politely, and serves again when there are some`, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const token = await stage.issuer.token({ sub: subjectOf(0) })
    expect(verdictOf('tool', await exchange(replica.url, whoami(agent, token)))).toBe('right')
    const { hostname, port } = new URL(replica.url)
    for (let count = 0; count < SOCKETS; count++) {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      sockets.push(socket)
    }
    await Promise.all(
      sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])),
    )
    await expect
      .poll(() => countDescriptors(replica.pid), { timeout: 20_000 })
      .toBeGreaterThanOrEqual(DESCRIPTORS - 1)

    // On the connection that is open already: what needs no other is served, the rest says why not.
    const other = await stage.issuer.token({ sub: subjectOf(1) })
    const answers = [
      { kind: 'signed', answer: await exchange(replica.url, rpc(agent, token, 'ping')) },
      { kind: 'none', answer: await exchange(replica.url, rpc(agent, undefined, 'ping')) },
      { kind: 'tool', answer: await exchange(replica.url, whoami(agent, other)) },
    ] as const
    for (const { kind, answer } of answers) {
      expect([kind, answer.status, isBlamed(kind, answer)]).toEqual([kind, answer.status, false])
      expect([0, 500]).not.toContain(answer.status)
    }
    agent.destroy()
    expectAlive([replica])
    for (const socket of sockets.splice(0)) socket.destroy()
    recordRecovery(
      'F14-descriptors',
      await expectService(2),
      `${SOCKETS} connections to a process that may have ${DESCRIPTORS} file descriptors, then none`,
    )
    expectAlive([replica])
  }, 120_000)

  it(`F14 with a heap of ${HEAP_MEGABYTES} MB outlives ${BODIES} large messages at once`, async () => {
    const token = await stage.issuer.token({ sub: subjectOf(3), scope: 'coda.read coda.write' })
    const { headers } = rpc(false, token, 'tools/call')
    const text = 'a'.repeat(BODY_BYTES)
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'coda_resolve_link', arguments: { url: text } },
    })
    const strange = { ...headers, authorization: 'Bearer unknown' }
    const send = (fields: Readonly<Record<string, string>>, count: number) =>
      Promise.all(
        Array.from({ length: count }, () =>
          exchange(replica.url, { agent: false, headers: fields, body }),
        ),
      )
    const refused = await send(strange, STRANGERS)
    // Some see the end of the connection before the answer, since nobody reads what they send.
    for (const { status } of refused) expect([0, 401]).toContain(status)
    expectAlive([replica])
    const answers = await send(headers, BODIES)
    const told = answers.map(({ status, text }) => `${status} ${text.slice(0, 80)}`)
    process.stderr.write(`[F14] large messages: ${[...new Set(told)].join(' | ')}\n`)
    expectAlive([replica])
    const refusals = answers.filter(({ status }) => status !== 200)
    expect(refusals.length).toBeGreaterThan(0)
    for (const { status, text, retryAfter, challenge } of refusals) {
      expect([status, text]).toEqual([503, '{"error":"temporarily_unavailable"}'])
      expect([Number(retryAfter) > 0, challenge]).toEqual([true, undefined])
    }
    // Each of them alone is served.
    const [alone] = await send(headers, 1)
    expect([alone?.status, alone?.text.includes('"result"')]).toEqual([200, true])
    recordRecovery(
      'F14-heap',
      await expectService(4),
      `${BODIES} messages of ${BODY_BYTES} bytes at once to a process with a heap of ${HEAP_MEGABYTES} MB`,
    )
  }, 120_000)
})
