import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assertAccepted, assertContract, describeReasonCodes, probe } from './contract.js'
import { HOST_KINDS, type Host, startHost, useHost } from './hosts.js'
import { sendRaw } from './raw-http.js'
import type { Scenario, TableSpec } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

afterAll(stopWorkers)

const SESSION_KEY = Buffer.alloc(32, 7).toString('base64url')
// The HMAC of session ids needs node:crypto, which the Workers runtime has behind this flag.
const NODE = { compatibilityFlags: ['nodejs_compat'] }
const table: TableSpec = {
  kind: 'table',
  selects: { prefixes: ['tbl_'] },
  authorizationServers: ['https://as.test'],
  tokens: {
    tbl_ann: { principal: { subject: 'ann', clientId: 'cimd' } },
    tbl_ann2: { principal: { subject: 'ann', clientId: 'other' } },
    tbl_bob: { principal: { subject: 'bob', clientId: 'cimd' } },
    // The same characters, cut elsewhere.
    tbl_other_issuer: { principal: { issuer: 'https://table.testa', subject: 'nn' } },
  },
}
const scenario: Scenario = {
  options: { resource: 'https://mcp.test/mcp', sessionKey: SESSION_KEY },
  validators: [table],
}
const as = (token: string, session?: string) => ({
  headers: [
    ['Authorization', `Bearer ${token}`] as const,
    ...(session === undefined ? [] : [['Mcp-Session-Id', session] as const]),
  ],
})

async function newSession(host: Host, token: string): Promise<string> {
  const { text } = await sendRaw(host.port, { ...as(token), method: 'GET', target: '/session' })
  return JSON.parse(text).id
}

describe.each(HOST_KINDS)('session ids on %s', (kind) => {
  const host = useHost(kind, () => scenario, NODE)
  let own = ''
  beforeAll(async () => {
    own = await newSession(host(), 'tbl_ann')
  })

  it('P26 lets their own caller in, whichever client that is', async () => {
    expect(own).toMatch(/^mas1\.[\w-]{22}\.[\w-]{43}$/)
    assertAccepted(await probe(host(), as('tbl_ann', own)))
    assertAccepted(await probe(host(), as('tbl_ann2', own)))
    expect(await newSession(host(), 'tbl_ann')).not.toBe(own)
  })

  it.each(['POST', 'GET', 'DELETE'])(
    'P26 are unknown to every other caller, for %s',
    async (method) => {
      for (const token of ['tbl_bob', 'tbl_other_issuer']) {
        const exchange = await probe(host(), { ...as(token, own), method })
        assertContract(exchange, 'GONE', { reason: 'session_of_another', secrets: [own] })
      }
    },
  )

  it('authenticate nobody', async () => {
    const headers = [['Mcp-Session-Id', own]] as const
    assertContract(await probe(host(), { headers }), 'BARE', { secrets: [own] })
    assertContract(await probe(host(), as('tbl_nobody', own)), 'TOK', { secrets: [own] })
  })

  it.each<[string, (id: string) => string]>([
    [
      'one character altered',
      (id) => `${id.slice(0, -2)}${id.at(-2) === 'A' ? 'B' : 'A'}${id.at(-1)}`,
    ],
    ['another random part', (id) => id.replace(/^mas1\.[\w-]{22}/, `mas1.${'A'.repeat(22)}`)],
    ['no signature', (id) => id.slice(0, 28)],
    ['an empty signature', (id) => id.slice(0, 28).concat('.')],
    ['a signature that is too long', (id) => `${id}A`],
    ['padding', (id) => `${id}=`],
    ['the prefix only', () => 'mas1.'],
    ['itself twice', (id) => `${id}, ${id}`],
  ])('P26 are unknown when forged: %s', async (_name, forge) => {
    const exchange = await probe(host(), as('tbl_ann', forge(own)))
    assertContract(exchange, 'GONE', { reason: 'session_of_another' })
  })

  it('P26 are unknown when sent twice with different owners', async () => {
    const bobs = await newSession(host(), 'tbl_bob')
    const { headers } = as('tbl_ann', own)
    const exchange = await probe(host(), { headers: [...headers, ['Mcp-Session-Id', bobs]] })
    assertContract(exchange, 'GONE')
  })

  it.each(['6f1c0b7e-0d0e-4b8e-9d61-0f8f6f3f2a10', 'MAS1.x', 'mas2.abc.def', 'x', ' '])(
    'leave ids of another maker to the server: %j',
    async (id) => {
      assertAccepted(await probe(host(), as('tbl_bob', id)))
    },
  )
})

describe('replicas', () => {
  const hosts = new Map<string, Host>()
  beforeAll(async () => {
    for (const kind of ['express5', 'hono', 'workers'] as const) {
      hosts.set(kind, await startHost(kind, scenario, NODE))
    }
    const options = { ...scenario.options, sessionKey: Buffer.alloc(32, 8).toString('base64url') }
    hosts.set('another key', await startHost('express4', { ...scenario, options }))
  })
  afterAll(async () => {
    await Promise.all([...hosts.values()].map((host) => host.close()))
  })

  it('with the same key agree about an id, on every kind of host', async () => {
    for (const maker of ['express5', 'hono', 'workers']) {
      const made = hosts.get(maker)
      if (made === undefined) throw new Error(`no host ${maker}`)
      const id = await newSession(made, 'tbl_ann')
      for (const [name, host] of hosts) {
        const mine = await probe(host, as('tbl_ann', id))
        if (name === 'another key') assertContract(mine, 'GONE')
        else assertAccepted(mine)
        assertContract(await probe(host, as('tbl_bob', id)), 'GONE')
      }
    }
  })
})

describeReasonCodes()
