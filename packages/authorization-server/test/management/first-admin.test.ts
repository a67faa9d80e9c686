import { afterEach, describe, expect, it } from 'vitest'
import { obtainTokens } from '../engine/support/flow.js'
import { createMemoryStorage } from '../engine/support/memory-storage.js'
import { startServer, type TestServer } from '../engine/support/server.js'

const servers: TestServer[] = []
const storage = () => createMemoryStorage(() => Date.now())
const ANN = 'ann@example.com'

async function start(kept = storage(), email = ANN): Promise<TestServer> {
  const server = await startServer({ storage: kept, firstAdmin: { email, name: 'Ann' } })
  servers.push(server)
  return server
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

describe('firstAdmin', () => {
  it('is invited once and becomes an admin with the first sign-in', async () => {
    const kept = storage()
    const server = await start(kept)
    expect(await server.as.users.find(ANN)).toMatchObject({ status: 'invited', role: 'admin' })
    await start(kept)
    expect(await server.as.users.list()).toHaveLength(1)
    await obtainTokens(server)
    expect(await server.as.users.find(ANN)).toMatchObject({ status: 'active', role: 'admin' })
  })

  it('stays what an operator made of it', async () => {
    const kept = storage()
    const server = await start(kept)
    await obtainTokens(server)
    await server.as.users.setRole(ANN, 'user')
    await server.as.users.suspend(ANN)
    const again = await start(kept)
    expect(await again.as.users.list()).toMatchObject([{ status: 'suspended', role: 'user' }])
  })

  it('must be one address', async () => {
    await expect(start(storage(), 'ann')).rejects.toMatchObject({
      problems: [{ path: 'firstAdmin.email', message: 'must be one plain e-mail address' }],
    })
  })
})
