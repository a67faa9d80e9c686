import type { Database, Queryable } from '@bestviable/mcp-auth-store-postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStorage } from '../../src/storage/create-storage.js'
import type { Storage } from '../../src/storage/storage.js'
import { openAdmin } from '../account/support.js'
import { obtainTokens, refresh, register } from '../engine/support/flow.js'
import type { MemoryStorage } from '../engine/support/memory-storage.js'
import { startServer, type TestServer } from '../engine/support/server.js'
import { type Backend, engineSetups, openBackend, START_MILLISECONDS } from '../storage/support.js'

const ANN = 'ann@example.com'
const BOB = 'bob@example.com'

// An embedded database runs one transaction at a time.
const servers = engineSetups.filter(({ engine }) => engine.kind === 'postgres')

describe.each(servers)('requests and changes of operators on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let storage: Storage
    let server: TestServer
    /** Statements that transactions have begun. */
    let statements: string[] = []
    let counts = { transactions: 0, attempts: 0 }
    let onStatement: (name: string) => void = () => undefined

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      // The server goes by the clock of the machine.
      Object.defineProperty(backend.clock, 'now', { get: () => Date.now() })
      const database: Database = Object.create(backend.database, {
        transaction: {
          value(run: (queryable: Queryable) => Promise<unknown>, options: object) {
            counts.transactions += 1
            return backend.database.transaction((queryable) => {
              counts.attempts += 1
              const query: Queryable['query'] = (statement, values) => {
                const name = statement.name.replace('mcp_auth_as_', '')
                const answer = queryable.query(statement, values)
                statements.push(name)
                onStatement(name)
                return answer
              }
              return run({ query })
            }, options)
          },
        },
      })
      storage = createStorage({ database, codec: backend.codec, now: () => Date.now() })
      server = await startServer({ storage: storage as unknown as MemoryStorage })
    }, START_MILLISECONDS)
    beforeEach(() => {
      statements = []
      counts = { transactions: 0, attempts: 0 }
    })
    afterAll(async () => {
      await server?.close()
      await backend?.end()
    })

    /** Tokens of an app of its own; equal registrations are one client. */
    async function connectApp(client_name: string, subject?: string) {
      const { client_id: clientId } = await register(server, { client_name })
      return obtainTokens(server, { clientId, ...(subject === undefined ? {} : { subject }) })
    }

    /** Begins a change while a request holds a token, which then locks what else it needs. */
    async function changeDuring<Value>(
      token: string,
      statement: string,
      change: () => Promise<Value>,
      lockMore: () => Promise<unknown>,
    ): Promise<Value> {
      let lock: () => void = () => undefined
      const locked = new Promise<void>((resolve) => {
        lock = resolve
      })
      let goOn: () => void = () => undefined
      const begun = new Promise<void>((resolve) => {
        goOn = resolve
      })
      counts = { transactions: 0, attempts: 0 }
      const request = storage.transaction(async () => {
        await storage.lock('RefreshToken', token)
        lock()
        await begun
        await lockMore()
      })
      await locked
      onStatement = (name) => {
        if (name === statement) goOn()
      }
      const changed = change()
      await request
      return changed
    }

    it('wait for each other in one order when an admin suspends an admin', async () => {
      const { tokens } = await connectApp('Of bob', 'bob')
      const { userId } = await server.as.users.setRole(BOB, 'admin')
      const { page } = await openAdmin(server)
      const change = () => page.submit(`${userId}/suspend`)
      const lockMore = () => storage.users.hold(userId)
      await changeDuring(tokens.refresh_token, 'grants_lock_user', change, lockMore)
      expect(await server.as.users.find(BOB)).toMatchObject({ status: 'suspended' })
      expect(counts.attempts).toBe(counts.transactions)
    })

    it('wait for each other in one order when an admin turns off his own app', async () => {
      const { clientId, tokens } = await connectApp('Of ann')
      const { page } = await openAdmin(server)
      const { userId = '' } = (await server.as.users.find(ANN)) ?? {}
      const action = `${Buffer.from(clientId).toString('base64url')}/revoke`
      const lockMore = () => storage.users.hold(userId)
      await changeDuring(
        tokens.refresh_token,
        'grants_lock_client',
        () => page.submit(action),
        lockMore,
      )
      expect(await server.as.clients.find(clientId)).toMatchObject({ active: false })
      expect(counts.attempts).toBe(counts.transactions)
      expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(401)
    })

    it('wait for each other in one order when a client is turned off', async () => {
      const { clientId, tokens } = await connectApp('Turned off')
      const change = () => server.as.clients.revoke(clientId)
      const lockMore = () => storage.lock('Client', clientId)
      await changeDuring(tokens.refresh_token, 'grants_lock_client', change, lockMore)
      expect(counts.attempts).toBe(counts.transactions)
      expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(401)
    })

    it('count the use of a client after the commit', async () => {
      const { clientId } = await connectApp('Counted')
      expect(statements).toContain('lock')
      expect(statements).not.toContain('client_touch')
      const client = await server.as.clients.find(clientId)
      expect(client?.lastUsedAt).toBeTypeOf('number')
    })
  })
})

it('answers with the tokens also when the use of the client cannot be counted', async () => {
  const server = await startServer()
  try {
    let touches = 0
    Object.assign(server.storage.clients, {
      async touch() {
        touches += 1
        throw new Error('down')
      },
    })
    const { clientId, tokens } = await obtainTokens(server)
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(200)
    expect(touches).toBe(2)
  } finally {
    await server.close()
  }
})
