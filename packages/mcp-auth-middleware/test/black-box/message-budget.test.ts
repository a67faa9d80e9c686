import { describe, expect, it } from 'vitest'
import { assertAccepted, assertContract, collect, describeReasonCodes, probe } from './contract.js'
import { type Host, type HostKind, useHost } from './hosts.js'
import { formatRequest, openConnection, type RawConnection } from './raw-http.js'
import type { Scenario } from './scenario.js'

/** Where requests share memory and may count what they hold together. */
const KINDS = ['express4', 'express5', 'hono'] as const satisfies readonly HostKind[]

const MOST = 64 * 1024
const AT_ONCE = 100_000
const SMALL = 16 * 1024

const scenario: Scenario = {
  options: {
    resource: 'https://mcp.test/mcp',
    scopes: { required: ['read'], tools: {}, otherTools: ['read'] },
    maxMessageBytes: MOST,
    maxMessageBytesAtOnce: AT_ONCE,
  },
  validators: [
    {
      kind: 'table',
      selects: { prefixes: ['tbl_'] },
      authorizationServers: ['https://as.test'],
      tokens: { tbl_reader: { principal: { scopes: ['read'] } } },
    },
  ],
}

const headersOf = (token: string) =>
  [
    ['Authorization', `Bearer ${token}`],
    ['Content-Type', 'application/json'],
  ] as const
const headers = headersOf('tbl_reader')

/** A message of exactly so many bytes. */
function messageOf(bytes: number): string {
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  return message + ' '.repeat(bytes - message.length)
}

/** A request whose body has begun to arrive. */
interface Begun {
  readonly connection: RawConnection
  /** Sends the rest and reads the answer. */
  finish(): ReturnType<RawConnection['read']>
}

async function begin(
  host: Host,
  bytes: number,
  transfer: 'length' | 'chunked' = 'length',
): Promise<Begun> {
  const connection = await openConnection(host.port)
  const request = formatRequest({ headers, body: messageOf(bytes), transfer })
  await connection.write(request.subarray(0, -10))
  return {
    connection,
    async finish() {
      await connection.write(request.subarray(-10))
      return connection.read()
    },
  }
}

const statusFor = async (host: Host, bytes: number): Promise<number> =>
  (await probe(host, { headers, body: messageOf(bytes) })).response.status

/** Waits until a body of so many bytes is answered so: the server hears of an end by itself. */
const untilAnswered = (host: Host, bytes: number, status: number): Promise<void> =>
  expect.poll(() => statusFor(host, bytes), { timeout: 8000, interval: 10 }).toBe(status)

describe.each(KINDS)('messages at once on %s', (kind) => {
  const host = useHost(kind, () => scenario)

  it('are refused as an outage over the budget, and one byte less is served', async () => {
    const begun = await begin(host(), 60_000)
    await untilAnswered(host(), 40_001, 503)
    const refused = await probe(host(), { headers, body: messageOf(40_001) })
    assertContract(refused, 'DEP', { reason: 'messages_over_budget', secrets: ['tbl_reader'] })
    expect(refused.response.header('retry-after')).toBe('1')
    assertAccepted(await probe(host(), { headers, body: messageOf(40_000) }))

    await host().take()
    assertAccepted(await collect(host(), await begun.finish()))
    begun.connection.destroy()
    await untilAnswered(host(), MOST, 200)
  })

  it('are refused before their bytes come', async () => {
    const begun = await begin(host(), 60_000)
    await untilAnswered(host(), 40_001, 503)
    const connection = await openConnection(host().port)
    const request = formatRequest({ headers, body: messageOf(50_000) })
    await host().take()
    await connection.write(request.subarray(0, request.indexOf('\r\n\r\n') + 4))
    assertContract(await collect(host(), await connection.read()), 'DEP')
    connection.destroy()
    begun.connection.destroy()
    await untilAnswered(host(), MOST, 200)
  })

  it('do not count when they are small, nor when they are refused anyhow', async () => {
    const begun = [await begin(host(), 60_000), await begin(host(), 39_000)]
    await untilAnswered(host(), SMALL + 1, 503)
    assertAccepted(await probe(host(), { headers, body: messageOf(SMALL) }))
    assertContract(await probe(host(), { headers, body: messageOf(MOST + 1) }), 'BODY_413')
    // Who is not let in is told so, whatever there is room for.
    const strange = { headers: headersOf('tbl_unknown'), body: messageOf(40_000) }
    assertContract(await probe(host(), strange), 'TOK')
    for (const { connection } of begun) connection.destroy()
    await untilAnswered(host(), MOST, 200)
  })

  it('give their room back when their client goes away', async () => {
    const begun = await begin(host(), 60_000)
    await untilAnswered(host(), 60_000, 503)
    begun.connection.destroy()
    await untilAnswered(host(), 60_000, 200)
  })

  it('in chunks count as the longest one until they have come', async () => {
    const begun = await begin(host(), 20_000, 'chunked')
    await untilAnswered(host(), AT_ONCE - MOST + 1, 503)
    expect(await statusFor(host(), AT_ONCE - MOST)).toBe(200)
    expect((await begun.finish()).status).toBe(200)
    await untilAnswered(host(), MOST, 200)
    begun.connection.destroy()
  })

  it('hold their room as long as their answer streams', async () => {
    const connection = await openConnection(host().port)
    await connection.write(formatRequest({ target: '/sse', headers, body: messageOf(60_000) }))
    await connection.seen('data: first')
    expect(await statusFor(host(), 40_001)).toBe(503)
    expect(await statusFor(host(), 40_000)).toBe(200)
    connection.destroy()
    await untilAnswered(host(), MOST, 200)
  })
})

describeReasonCodes()
