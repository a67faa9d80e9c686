import { type AddressInfo, createServer, connect as openSocket, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDatabaseClock } from '../../src/credentials/database-clock.js'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database } from '../../src/database/database.js'
import {
  apiKey,
  type Backend,
  codeOf,
  engineSetups,
  openBackend,
  openStore,
  serviceKey,
  uniqueNamespace,
  userKey,
} from './support.js'

/** A network that can hold back what a client sends, and delivers it later all the same. */
async function startHoldingNetwork(port: number) {
  const held: (() => void)[] = []
  const sockets = new Set<Socket>()
  const orphans = new Set<Socket>()
  let isHolding = false
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = openSocket({ port, host: '127.0.0.1' })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    const later = (action: () => void) => (isHolding ? held.push(action) : action())
    client.on('data', (chunk) => later(() => upstream.write(chunk)))
    client.on('end', () => {
      if (isHolding) orphans.add(upstream)
      later(() => upstream.end())
    })
    upstream.on('data', (chunk) => client.write(chunk))
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    hold() {
      isHolding = true
    },
    /** Delivers everything; resolves when the database has closed the connections that it came on. */
    async deliver(): Promise<number> {
      isHolding = false
      const count = held.length
      const closed = [...orphans].map(
        (socket) => new Promise((resolve) => socket.once('close', resolve)),
      )
      for (const action of held.splice(0)) action()
      await Promise.all(closed)
      return count
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const servers = engineSetups.filter(({ engine }) => engine.kind === 'postgres')

describe.each(servers)('writes that arrive late on $title', ({ engine }) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let backend: Backend
    let network: Awaited<ReturnType<typeof startHoldingNetwork>>
    let database: Database
    beforeEach(async () => {
      backend = await openBackend(engine)
      const address = new URL(backend.test.connectionString ?? '')
      network = await startHoldingNetwork(Number(address.port))
      address.port = String(network.port)
      database = createDatabase({
        connectionString: address.href,
        listen: false,
        maxConnections: 8,
      })
    }, 60_000)
    afterEach(async () => {
      await database?.close()
      network?.close()
      await backend?.end()
    })

    it('do not overwrite, remove or bring back what was written since', {
      timeout: 60_000,
    }, async () => {
      const namespace = uniqueNamespace()
      const { encryptionKeys } = backend
      const far = openStore({ database, encryptionKeys }, { namespace, auditReads: 'off' })
      const near = openStore(backend, { namespace })
      const names = ['set', 'delete', 'bury', 'absent'].map((name) => userKey(name))
      const [set, removed, buried, absent] = names as [
        ReturnType<typeof userKey>,
        ReturnType<typeof userKey>,
        ReturnType<typeof userKey>,
        ReturnType<typeof userKey>,
      ]
      for (const key of [set, removed, buried]) await far.set(key, apiKey('canary-first'))
      // Opens a connection for each of the writes that follow.
      await Promise.all(names.map((key) => far.get(key)))

      network.hold()
      const lost = [
        far.set(set, apiKey('canary-older')),
        far.delete(removed),
        far.delete(buried, { tombstone: true }),
        far.set(absent, apiKey('canary-older'), { ifAbsent: true }),
      ]
      expect(await Promise.all(lost.map(codeOf))).toEqual(Array(4).fill('ERR_STORE_UNAVAILABLE'))
      for (const key of [set, removed, buried]) await near.set(key, apiKey('canary-newer'))
      expect(await near.delete(absent)).toBe(false)

      expect(await network.deliver()).toBeGreaterThan(4)
      for (const key of [set, removed, buried]) {
        expect((await near.get(key))?.secret).toBe('canary-newer')
      }
      expect(await near.get(absent)).toBeUndefined()
      // The statements arrived and were run, and changed nothing.
      expect((await far.get(set))?.secret).toBe('canary-newer')
    })

    it('learns the clock of the database again when that was set', async () => {
      const store = openStore(backend)
      await store.set(serviceKey(), apiKey('canary-first'))
      // As after a failover to a server whose clock is a day ahead: the deadline lies in the past.
      const learned = createDatabaseClock(backend.database)
      learned.learn({ clock: 0 })
      expect(learned.ahead(5000)).toBeLessThan(6)
      await learned.read()
      expect(Math.abs(learned.ahead(5000) - Date.now() / 1000 - 5)).toBeLessThan(2)
    })
  })
})
