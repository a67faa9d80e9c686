import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthorizationServerEvent } from '../../src/engine/events.js'
import { startServer, type TestServer, type TestServerOptions } from '../engine/support/server.js'
import { named } from './support.js'

let server: TestServer
const events: AuthorizationServerEvent[] = []
let warnings: unknown[][]

beforeEach(() => {
  events.length = 0
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((...values: unknown[]) => {
    warnings.push(values)
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await server.close()
})

async function ask(options: TestServerOptions, ...requests: Record<string, string>[]) {
  server = await startServer({ onEvent: (event) => events.push(event), ...options })
  warnings.length = 0
  for (const headers of requests) {
    const path = '/.well-known/oauth-authorization-server'
    expect((await fetch(server.origin + path, { headers })).status).toBe(200)
    await fetch(`${server.origin}/oauth/authorize`, { headers })
  }
  return named(events, 'forwarded-headers.ignored')
}

describe('headers of a proxy that is not trusted', () => {
  it.each([
    ['x-forwarded-for', '198.51.100.77'],
    ['forwarded', 'for=198.51.100.77;proto=https'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-host', 'canary.test'],
  ])('%s warns once, with the fix and without the header', async (name, value) => {
    const headers = { [name]: value }
    const told = await ask({}, headers, headers, { 'x-forwarded-for': '198.51.100.78' })
    expect(told).toMatchObject([{ outcome: 'denied', reason: 'untrusted_proxy' }])
    expect(told[0]?.details?.fix).toMatch(/trustProxy/)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]?.[1]).toMatchObject({ code: 'MCP_AUTH_UNTRUSTED_PROXY' })
    expect(JSON.stringify([told, warnings])).not.toMatch(/canary|198\.51/)
  })

  it('warn of a proxy that is not the listed one', async () => {
    const told = await ask({ trustProxy: ['10.0.0.1'] }, { 'x-forwarded-for': '198.51.100.77' })
    expect(told).toHaveLength(1)
  })

  it.each([
    ['there is none', {}, {}],
    ['the proxy is counted', { trustProxy: 1 }, { 'x-forwarded-for': '198.51.100.77' }],
    ['the proxy is listed', { trustProxy: ['loopback'] }, { 'x-forwarded-proto': 'https' }],
  ])('do not warn when %s', async (_, options, headers) => {
    expect(await ask(options, headers)).toEqual([])
    expect(warnings).toEqual([])
  })
})
