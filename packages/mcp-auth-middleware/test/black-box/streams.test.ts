import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SLOW_JSON_MS } from './fetch-handler.js'
import { HOST_KINDS, type Host, type HostKind, NODE_HOST_KINDS, startHost } from './hosts.js'
import { formatRequest, openConnection, type RawConnection } from './raw-http.js'
import type { Scenario } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

/*
 * The hosts run at the same time, so that waiting for credentials to expire is paid for once. Every
 * wait is for an event with a deadline; the times below are only what an event must lie within.
 */

const LIFETIME_MS = 2000
const WATCH_MS = 1000
// The watch looks once a second; the rest is for a busy machine.
const LATEST_MS = LIFETIME_MS + WATCH_MS + 2500

const hosts = new Map<HostKind, Host>()

function scenario(): Scenario {
  const expiresAt = Math.ceil((Date.now() + LIFETIME_MS) / 1000)
  return {
    options: { resource: 'https://mcp.test/mcp' },
    revocable: true,
    validators: [
      {
        kind: 'table',
        selects: { prefixes: ['tbl_'] },
        authorizationServers: ['https://as.test'],
        tokens: {
          tbl_short: { principal: { expiresAt } },
          tbl_long: { principal: { subject: 'long', expiresAt: expiresAt + 3600 } },
          tbl_endless: { principal: { subject: 'endless' } },
          tbl_revoked: { principal: { subject: 'revoked' }, reuse: true },
        },
      },
    ],
  }
}

async function open(host: Host, token: string, target: string): Promise<RawConnection> {
  const connection = await openConnection(host.port)
  const headers = [['Authorization', `Bearer ${token}`]] as const
  await connection.write(formatRequest({ method: 'GET', target, headers }))
  await connection.seen('first')
  return connection
}

/** Reads an answer to its end and tells how long that took. */
async function end(
  connection: RawConnection,
): Promise<{ text: string; ms: number; complete: boolean }> {
  const begun = performance.now()
  const { text, complete } = await connection.read()
  connection.destroy()
  return { text, complete, ms: performance.now() - begun }
}

beforeAll(async () => {
  const started = await Promise.all(
    HOST_KINDS.map(async (kind) => [kind, await startHost(kind, scenario())] as const),
  )
  for (const [kind, host] of started) hosts.set(kind, host)
})
afterAll(async () => {
  await Promise.all([...hosts.values()].map((host) => host.close()))
  await stopWorkers()
})

describe.concurrent.each(HOST_KINDS)('a streaming answer on %s', (kind) => {
  const hostOf = (): Host => {
    const host = hosts.get(kind)
    if (host === undefined) throw new Error('not started')
    return host
  }

  it('ends within two seconds after its token has expired', async () => {
    const [sse, ndjson, json] = await Promise.all([
      open(hostOf(), 'tbl_short', '/sse').then(end),
      open(hostOf(), 'tbl_short', '/ndjson').then(end),
      open(hostOf(), 'tbl_short', '/slow-json').then(end),
    ])
    for (const stream of [sse, ndjson]) {
      expect(stream.complete).toBe(true)
      expect(stream.ms).toBeLessThan(LATEST_MS)
    }
    expect(sse.text).toBe('data: first\n\n')
    // An answer that is no stream is finished, however long it takes.
    expect(json).toMatchObject({ text: '{"first":1,"second":2}', complete: true })
    expect(json.ms).toBeGreaterThan(SLOW_JSON_MS / 2)
  })

  it('stays open while its credential is good, and ends soon after revocation', async () => {
    const [long, endless, revoked] = await Promise.all([
      open(hostOf(), 'tbl_long', '/sse'),
      open(hostOf(), 'tbl_endless', '/sse'),
      open(hostOf(), 'tbl_revoked', '/sse'),
    ])
    await hostOf().revoke('revoked')
    const { ms, complete } = await end(revoked)
    expect(complete).toBe(true)
    expect(ms).toBeLessThan(WATCH_MS + 2500)
    // The same look of the watch has passed over the other two.
    for (const connection of [long, endless]) {
      expect(connection.socket.readableEnded).toBe(false)
      expect(connection.socket.destroyed).toBe(false)
      connection.destroy()
      await connection.closed
    }
  })
})

describe.each(NODE_HOST_KINDS)('a stream on %s whose handler writes on', (kind) => {
  it.each([
    ['many blocks to a client that reads', '/sse-busy', true],
    ['many blocks to a client that does not read', '/sse-busy', false],
    ['in the moment of the end', '/sse-late', true],
  ])('ends when it writes %s, and nothing is thrown', async (_name, target, reads) => {
    // Without a listener, writing to an ended answer is an uncaught error, which fails this run.
    const host = await startHost(kind, {
      ...scenario(),
      validators: [
        {
          kind: 'table',
          selects: { prefixes: ['tbl_'] },
          tokens: { tbl_busy: { principal: { subject: 'busy' } } },
        },
      ],
    })
    const connection = await openConnection(host.port)
    const headers = [['Authorization', 'Bearer tbl_busy']] as const
    await connection.write(formatRequest({ method: 'GET', target, headers }))
    await connection.seen('data: ')
    if (!reads) connection.socket.pause()
    const errors: unknown[] = []
    const keep = (error: unknown): void => void errors.push(error)
    process.on('uncaughtException', keep)
    try {
      await host.revoke('busy')
      const methods = async () => (await host.take()).calls.map(({ method }) => method)
      await expect.poll(methods, { timeout: 5000 }).toContain('CLOSED')
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.off('uncaughtException', keep)
      connection.destroy()
      await host.close()
    }
    expect(errors).toEqual([])
  })
})
