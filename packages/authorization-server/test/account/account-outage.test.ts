import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import { afterEach, expect, it } from 'vitest'
import { createMemoryStorage } from '../engine/support/memory-storage.js'
import { startServer, type TestServer } from '../engine/support/server.js'
import { openAccount, openAdmin } from './support.js'

let server: TestServer | undefined

afterEach(() => server?.close())

it('E31 /account says that it cannot be reached just now, and signs nobody out', async () => {
  server = await startServer()
  const { browser } = await openAccount(server)
  server.storage.fail()
  const page = await browser.open(`${server.origin}/account`)
  expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5'])
  server.storage.recover()
  expect((await browser.open(`${server.origin}/account`)).html).toContain('ann@example.com')
})

it('shows an admin the rest where the audit trail may not be read', async () => {
  const storage = createMemoryStorage(() => Date.now())
  const auditTrail = {
    ...storage.auditTrail,
    list: async () => {
      const cause = Object.assign(new Error('denied'), { code: '42501' })
      throw new StoreUnavailableError('the role lacks a privilege', { cause })
    },
  }
  server = await startServer({ storage: Object.assign(storage, { auditTrail }) })
  const { page } = await openAdmin(server)
  expect([page.status, page.html.includes('/account/users/invite')]).toEqual([200, true])
})
