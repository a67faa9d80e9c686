import type * as Crypto from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { postToken, REDIRECT_URI, register } from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

const compared = vi.hoisted((): number[][] => [])

vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof Crypto>()
  return {
    ...crypto,
    timingSafeEqual(left: Buffer, right: Buffer) {
      compared.push([left.length, right.length])
      return crypto.timingSafeEqual(left, right)
    },
  }
})

let server: TestServer

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** Tries to prove to be a client, and tells what was answered and what it took. */
async function prove(clientId: string, secret: string) {
  server.storage.recover()
  compared.length = 0
  const credentials = Buffer.from(`${clientId}:${secret}`).toString('base64')
  const { status, body } = await postToken(
    server,
    { grant_type: 'authorization_code', code: 'unknown', redirect_uri: REDIRECT_URI },
    { authorization: `Basic ${credentials}` },
  )
  return { status, body, calls: server.storage.calls, compared: [...compared] }
}

// The time itself is measured by the bench: what it follows from is held here.
describe('E36 client secrets', () => {
  it('are compared as digests, in the same time for every length, and tell nothing else', async () => {
    const { client_id: id, client_secret: secret = '' } = await register(server, {
      token_endpoint_auth_method: 'client_secret_basic',
    })
    const right = await prove(id, secret)
    expect([right.status, right.body.error]).toEqual([400, 'invalid_grant'])

    const equal = await prove(id, 'x'.repeat(secret.length))
    expect([equal.status, equal.body.error]).toEqual([401, 'invalid_client'])
    expect(equal.compared).toEqual([[32, 32]])
    for (const length of [1, secret.length - 1, secret.length + 1, 1000]) {
      expect(await prove(id, 'x'.repeat(length))).toEqual(equal)
    }

    const unknown = await prove('nobody', 'x'.repeat(secret.length))
    expect([unknown.status, unknown.body]).toEqual([equal.status, equal.body])
    expect(unknown.calls).toBe(equal.calls)
  })
})
