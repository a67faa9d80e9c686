import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findFreePort } from '../support/free-port.js'
import { callTool, post, sampleUpsert } from '../support/http-calls.js'
import { listen } from '../support/listen.js'
import { scrape } from '../support/scrape.js'
import { createCleanup, startTestServer, type TestServer } from '../support/test-server.js'

const { add, run } = createCleanup()
let issuer: TestIssuer
let bearer: Awaited<ReturnType<typeof generateBearerToken>>
let metricsPort: number

beforeEach(async () => {
  issuer = add(createTestIssuer({ algorithm: 'ES256', audience: 'coda-mcp' }))
  await issuer.listen()
  bearer = await generateBearerToken()
  metricsPort = await findFreePort()
})
afterEach(run)

async function start(env: Record<string, string>): Promise<TestServer> {
  return add(
    await startTestServer({
      METRICS_PORT: String(metricsPort),
      OIDC_ISSUER: issuer.issuer,
      OIDC_AUDIENCE: 'coda-mcp',
      MCP_BEARER_TOKENS: `laptop:${bearer.digest}:coda.read`,
      CODA_API_TOKEN: 'canary-coda-token',
      CODA_API_BASE_URL: 'http://127.0.0.1:9',
      TRUST_PROXY: '1',
      ...env,
    }),
  )
}

/** Answers that the Coda of `holdingCoda` has not given yet. */
const holding: (() => void)[] = []

/** A Coda that answers nobody before the test says so. */
async function holdingCoda() {
  holding.length = 0
  return await listen((_request, response) => {
    const account = { name: 'Ann', loginId: 'ann@example.com', type: 'user', scoped: false }
    const details = { tokenName: 'test', href: 'https://coda.io/apis/v1/whoami' }
    holding.push(() =>
      response
        .setHeader('content-type', 'application/json')
        .end(
          JSON.stringify({ ...account, ...details, workspace: { id: 'ws-1', type: 'workspace' } }),
        ),
    )
  })
}

/** A token of a person, by a client. */
const tokenOf = (sub: string, clientId = 'app', more: Record<string, unknown> = {}) =>
  issuer.token({ sub, client_id: clientId, scope: 'coda.read', ...more })

/** Statuses of `times` requests, one after the other. */
async function statuses(
  server: TestServer,
  token: string | undefined,
  times: number,
  address = '192.0.2.1',
): Promise<number[]> {
  const headers = { 'x-forwarded-for': address }
  const seen: number[] = []
  for (let time = 0; time < times; time += 1) {
    const response = await post(server.resource, 'tools/list', { token, headers })
    await response.text()
    seen.push(response.status)
  }
  return seen
}

describe('MCP_RATE_LIMIT', () => {
  it('answers 429 in JSON with Retry-After, and to nobody else', async () => {
    const server = await start({ MCP_RATE_LIMIT: '3' })
    const ann = await tokenOf('ann')
    expect(await statuses(server, ann, 4)).toEqual([200, 200, 200, 429])
    const response = await post(server.resource, 'tools/list', {
      token: ann,
      headers: { origin: server.url },
    })
    expect(response.status).toBe(429)
    const wait = Number(response.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(response.headers.get('access-control-allow-origin')).not.toBeNull()
    expect(await response.json()).toEqual({
      error: 'rate_limited',
      error_description: `Too many requests: wait ${wait} seconds.`,
    })
    // The same client and address, another person.
    expect(await statuses(server, await tokenOf('ben'), 1)).toEqual([200])
    expect((await scrape(metricsPort)).sample('rate_limited_total', { limit: 'client' })).toBe(2)
    const lines = server.log.filter((line) => line.includes('rate limit reached'))
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { limit: 'client', issuer: issuer.issuer, subject: 'ann', clientId: 'app' },
    ])
  })

  it('leaves the other clients of a caller their share, and ends all at twice as much', async () => {
    const server = await start({ MCP_RATE_LIMIT: '3' })
    expect(await statuses(server, await tokenOf('ann', 'one'), 10)).toEqual(
      expect.arrayContaining([200, 429]),
    )
    expect(await statuses(server, await tokenOf('ann', 'two'), 3)).toEqual([200, 200, 200])
    expect(await statuses(server, await tokenOf('ann', 'three'), 1)).toEqual([429])
    const now = await scrape(metricsPort)
    expect(now.sample('rate_limited_total', { limit: 'caller' })).toBe(1)
  })

  it('counts each message of a batch, and answers none of one that is too long', async () => {
    const server = await start({ MCP_RATE_LIMIT: '5' })
    const token = await tokenOf('ann')
    const call = (id: number) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'coda_list_columns', arguments: { docId: '..', tableIdOrName: 'x' } },
    })
    const send = (by: string, ids: readonly number[]) =>
      fetch(server.resource, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${by}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-03-26',
        },
        body: JSON.stringify(ids.map(call)),
      })
    const whole = await send(token, [1, 2, 3, 4, 5])
    expect(whole.status).toBe(200)
    expect((await whole.text()).match(/"isError":true/g)).toHaveLength(5)
    expect(await statuses(server, token, 1)).toEqual([429])
    const tooLong = await send(await tokenOf('bob'), [1, 2, 3, 4, 5, 6])
    expect([tooLong.status, tooLong.headers.get('retry-after')]).toEqual([
      429,
      expect.stringMatching(/^\d+$/),
    ])
    expect(await tooLong.text()).not.toContain('isError')
  })

  it('is no limit with 0', async () => {
    const server = await start({
      MCP_RATE_LIMIT: '0',
      CODA_API_BASE_URL: add(await holdingCoda()).origin,
    })
    const ann = await tokenOf('ann')
    expect(new Set(await statuses(server, ann, 20))).toEqual(new Set([200]))
    const held = Array.from({ length: 21 }, () => callTool(server.resource, ann, 'coda_whoami'))
    await expect.poll(() => holding.length, { timeout: 15_000 }).toBe(21)
    for (const answer of holding) answer()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(held.map(() => 200))
  })

  it('answers at most 20 messages of a caller at the same time, and all of another', async () => {
    const server = await start({
      MCP_RATE_LIMIT: '1000',
      CODA_API_BASE_URL: add(await holdingCoda()).origin,
    })
    const ann = await tokenOf('ann')
    const held = Array.from({ length: 20 }, () => callTool(server.resource, ann, 'coda_whoami'))
    await expect.poll(() => holding.length, { timeout: 15_000 }).toBe(20)
    // By another client as well.
    const over = await post(server.resource, 'tools/list', { token: await tokenOf('ann', 'two') })
    expect([over.status, over.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await statuses(server, await tokenOf('ben'), 1)).toEqual([200])
    for (const answer of holding) answer()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(held.map(() => 200))
    expect(await statuses(server, ann, 1)).toEqual([200])
    const { sample } = await scrape(metricsPort)
    expect(sample('rate_limited_total', { limit: 'running' })).toBe(1)
  })

  it('counts the messages of a batch among those that run', async () => {
    const server = await start({ MCP_RATE_LIMIT: '1000' })
    const send = async (count: number) => {
      const message = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/list' })
      const response = await fetch(server.resource, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await tokenOf('ann')}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-03-26',
        },
        body: JSON.stringify(Array.from({ length: count }, (_, id) => message(id))),
      })
      await response.text()
      return response.status
    }
    expect(await send(20)).toBe(200)
    expect(await send(21)).toBe(429)
    // Nothing of what was refused goes on counting.
    expect(await send(20)).toBe(200)
  })
})

describe('MCP_REFUSAL_LIMIT', () => {
  it('turns refusals of one address into 429, while a good token passes from there', async () => {
    const server = await start({ MCP_REFUSAL_LIMIT: '3' })
    const good = await tokenOf('ann')
    const bad = `${good.slice(0, -6)}AAAAAA`
    expect(await statuses(server, bad, 5)).toEqual([401, 401, 401, 429, 429])
    const headers = { 'x-forwarded-for': '192.0.2.1' }
    const limited = await post(server.resource, 'tools/list', { token: bad, headers })
    expect(limited.status).toBe(429)
    expect(limited.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(limited.headers.get('www-authenticate')).toBeNull()
    expect(await limited.json()).toMatchObject({ error: 'rate_limited' })

    expect(await statuses(server, good, 10)).toEqual(Array.from({ length: 10 }, () => 200))
    expect(await statuses(server, bad, 1, '192.0.2.2')).toEqual([401])
    const now = await scrape(metricsPort)
    expect(now.sample('rate_limited_total', { limit: 'refusals' })).toBe(3)
    const lines = server.log.filter((line) => line.includes('rate limit reached'))
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { limit: 'refusals', network: '192.0.2.1' },
    ])
    expect(server.log.join('')).not.toContain(good)
  })

  it('lets clients behind a crowded address find out that they have to sign in', async () => {
    const server = await start({ MCP_REFUSAL_LIMIT: '1' })
    const good = await tokenOf('ann')
    const bad = `${good.slice(0, -6)}AAAAAA`
    expect(await statuses(server, bad, 2)).toEqual([401, 429])
    const headers = { 'x-forwarded-for': '192.0.2.1' }
    const anonymous = await post(server.resource, 'initialize', { headers })
    expect(anonymous.status).toBe(401)
    expect(anonymous.headers.get('www-authenticate')).toContain('resource_metadata=')
    const exp = Math.floor(Date.now() / 1000) - 60
    const expired = await tokenOf('ben', 'app', { iat: exp - 60, exp })
    expect(await statuses(server, expired, 3)).toEqual([401, 401, 401])
    expect(await statuses(server, undefined, 5)).toEqual([401, 401, 401, 401, 401])
  })

  it('counts a scope that is missing for its caller, not for the address', async () => {
    const server = await start({ MCP_REFUSAL_LIMIT: '2' })
    const write = async (token: string): Promise<number> =>
      (await callTool(server.resource, token, 'coda_upsert_rows', sampleUpsert)).status
    const ann = await tokenOf('ann')
    expect([await write(ann), await write(ann), await write(ann)]).toEqual([403, 403, 429])
    expect(await write(await tokenOf('ben'))).toBe(403)
    expect(await statuses(server, ann, 1)).toEqual([200])
  })

  it('A57 does not let a header choose the address where no proxy is trusted', async () => {
    const server = await start({ MCP_REFUSAL_LIMIT: '1', TRUST_PROXY: '' })
    const bad = `${(await tokenOf('ann')).slice(0, -6)}AAAAAA`
    expect(await statuses(server, bad, 1, '192.0.2.1')).toEqual([401])
    expect(await statuses(server, bad, 1, '192.0.2.2')).toEqual([429])
  })
})
