import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type Cluster,
  serverEngines,
  startCluster,
} from '../../../store-postgres/test/support/engines.js'
import type { AuthorizationServer } from '../../src/engine/assemble.js'
import { createAuthorizationServer } from '../../src/engine/create-authorization-server.js'
import { devLogin } from '../../src/login/dev-login.js'

const skip = serverEngines().every((engine) => engine.skip !== undefined)
const ISSUER = 'http://127.0.0.1:4999'
const encryptionKeys = generateEncryptionKey()
const instances: { as: AuthorizationServer; http: Server; origin: string }[] = []
let cluster: Cluster

async function startInstance(): Promise<void> {
  const as = await createAuthorizationServer({
    issuer: ISSUER,
    database: cluster.connectionString(),
    encryptionKeys,
    resources: { [`${ISSUER}/mcp`]: { scopes: { read: 'Read' } } },
    login: [devLogin()],
    rateLimits: { registerPerHost: { points: 4, durationSeconds: 3600 } },
  })
  const http = createServer((request, response) =>
    as.router(request, response, () => response.writeHead(404).end()),
  )
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', () => resolve()))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  instances.push({ as, http, origin })
}

beforeAll(async () => {
  if (skip) return
  cluster = await startCluster()
  await startInstance()
  await startInstance()
}, 120_000)
afterAll(async () => {
  for (const { as, http } of instances) {
    await as.close()
    http.closeAllConnections()
    http.close()
  }
  await cluster?.remove()
})

async function registerAt(index: number, name: string): Promise<number> {
  const response = await fetch(`${instances[index]?.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: name,
      redirect_uris: ['https://app.test/cb'],
      token_endpoint_auth_method: 'none',
    }),
  })
  return response.status
}

it.skipIf(skip)('D18 two instances on one PostgreSQL share a limit', async () => {
  const statuses = []
  for (let n = 0; n < 6; n += 1) statuses.push(await registerAt(n % 2, `App ${n}`))
  expect(statuses).toEqual([201, 201, 201, 201, 429, 429])
  expect(await registerAt(1, 'App 0')).toBe(201)
})
