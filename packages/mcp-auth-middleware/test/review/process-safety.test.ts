import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import type { AuthEventListener } from '../../src/events.js'
import { guard } from '../../src/express.js'
import { jwt } from '../../src/validators/jwt.js'
import { createSigningKey, signToken } from '../jwt/sign.js'
import { validatorOf, viewOf } from '../resource-server/fakes.js'

const RESOURCE = 'http://127.0.0.1/mcp'
const rejections: unknown[] = []
const note = (reason: unknown): void => {
  rejections.push(reason)
}
let others: NodeJS.UnhandledRejectionListener[] = []

beforeEach(() => {
  rejections.length = 0
  others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', note)
})
afterEach(() => {
  process.removeAllListeners('unhandledRejection')
  for (const other of others) process.on('unhandledRejection', other)
  vi.useRealTimers()
})

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

it('P05 an event listener whose promise rejects does not end the process', async () => {
  const onEvent: AuthEventListener = async () => {
    throw new Error('the log is down')
  }
  const auth = createMcpAuth({ resource: RESOURCE, validators: [validatorOf()], onEvent })
  await auth.guard(viewOf({ host: '127.0.0.1' }, { method: 'GET' }))
  await settled()
  expect(rejections).toEqual([])
})

it('P05 a background refresh with a fetch that answers nonsense does not end the process', async () => {
  let now = Date.now()
  let fetches = 0
  const key = createSigningKey('RS256')
  const fetch = (async () => {
    fetches += 1
    return fetches === 1 ? Response.json({ keys: [key.jwk] }) : undefined
  }) as typeof globalThis.fetch
  const issuer = 'https://as.test'
  const validators = [jwt({ issuer, jwksUri: `${issuer}/jwks`, fetch, now: () => now })]
  const auth = createMcpAuth({ resource: RESOURCE, validators, cache: false, now: () => now })
  const seconds = Math.floor(now / 1000)
  const token = signToken(key, {
    iss: issuer,
    aud: RESOURCE,
    sub: 'ann',
    iat: seconds,
    exp: seconds + 7200,
  })
  const view = viewOf({ host: '127.0.0.1', authorization: `Bearer ${token}` }, { method: 'GET' })
  await auth.guard(view)
  now += 9 * 60_000
  await auth.guard(view)
  await settled()
  expect(fetches).toBe(2)
  expect(rejections).toEqual([])
})

it('P06 watches no stream whose client had gone before its head was written', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const auth = createMcpAuth({ resource: RESOURCE, validators: [validatorOf()] })
  const protect = guard(auth)
  let handled: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    handled = resolve
  })
  const server = http.createServer((request, response) =>
    protect(request, response, async () => {
      client.destroy()
      await once(response, 'close')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(':\n\n')
      handled()
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  // The address of a TCP server is never a string.
  const { port } = server.address() as AddressInfo
  const client = http.get({ port, path: '/mcp', headers: { authorization: 'Bearer t' } })
  client.on('error', () => undefined)
  await done
  expect(vi.getTimerCount()).toBe(0)
  server.close()
})
