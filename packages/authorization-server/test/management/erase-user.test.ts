import { memoryTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { afterEach, expect, it } from 'vitest'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { openAccount } from '../account/support.js'
import { startServer, type TestServer } from '../engine/support/server.js'

const ANN = 'ann@example.com'

let server: TestServer
afterEach(() => server?.close())

/** Starts a server whose upstream waits with its answer about a token; `onList` runs after each listing. */
async function start(onList: () => Promise<unknown>) {
  const stored = memoryTokenStore()
  const credentials: TokenStore = Object.create(stored, {
    keys: {
      async *value() {
        yield* stored.keys()
        await onList()
      },
    },
  })
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let reach: () => void = () => undefined
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  const connect = apiTokenLogin({
    id: 'coda',
    label: 'Coda API token',
    issuer: 'https://coda.test',
    async verify() {
      reach()
      await released
      return { subject: 'ann' }
    },
  })
  server = await startServer({ connect, connectOptional: true, credentials })
  const { page } = await openAccount(server)
  const submitted = page.submit('/credentials/coda/replace', { api_token: 'canary-ann' })
  await reached
  return {
    /** Lets the upstream answer, and waits until the request is answered. */
    async answer() {
      release()
      await submitted
    },
    async kept(): Promise<number> {
      let count = 0
      for await (const _ of stored.keys()) count += 1
      return count
    },
  }
}

it('users.erase leaves no credential that is kept between its listing and the suspension', async () => {
  let listings = 0
  const given = await start(async () => {
    listings += 1
    if (listings === 1) await given.answer()
    if (listings === 1) expect(await given.kept()).toBe(1)
  })
  const erased = await server.as.users.erase(ANN)
  expect(erased.credentials).toBe(1)
  expect(await given.kept()).toBe(0)
})

it('users.erase leaves no credential that is kept between the suspension and the end', async () => {
  const given = await start(async () => undefined)
  const { auditTrail, users } = server.storage
  const statuses: unknown[] = []
  Object.assign(auditTrail, {
    async forget() {
      statuses.push((await users.findByEmail(ANN))[0]?.status)
      await given.answer()
      return 0
    },
  })
  await server.as.users.erase(ANN)
  expect(statuses).toEqual(['suspended'])
  expect(await given.kept()).toBe(0)
})

it('keeps no credential of a suspended user, and that of an active one', async () => {
  const suspended = await start(async () => undefined)
  await server.as.users.suspend(ANN)
  await suspended.answer()
  expect(await suspended.kept()).toBe(0)
  await server.close()
  const active = await start(async () => undefined)
  await active.answer()
  expect(await active.kept()).toBe(1)
})
