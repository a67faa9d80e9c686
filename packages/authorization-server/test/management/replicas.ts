import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpAuth, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import {
  createDatabase,
  type Database,
  postgresTokenStore,
} from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import type { TestEngine } from '../../../store-postgres/test/support/engines.js'
import type { AuthorizationServer } from '../../src/engine/assemble.js'
import { createAuthorizationServer } from '../../src/engine/create-authorization-server.js'
import { devLogin } from '../../src/login/dev-login.js'
import type { TestServer } from '../engine/support/server.js'

const USERS = ['ann', 'bob'].map((subject) => ({
  subject,
  email: `${subject}@example.com`,
  name: subject,
}))

/** Two servers of one issuer on one database, as two replicas are. PGlite has one process. */
export interface Replicas {
  readonly first: TestServer
  readonly second: TestServer
  readonly database: Database
  readonly encryptionKeys: string
  readonly credentials: TokenStore
  close(): Promise<void>
}

export async function startReplicas(engine: TestEngine): Promise<Replicas> {
  const home = await engine.createDatabase()
  const encryptionKeys = generateEncryptionKey()
  const opened: Database[] = []
  const servers: { readonly http: Server; readonly as: AuthorizationServer }[] = []
  let issuer = ''
  let shared: Database | undefined

  const open = (): Database => {
    if (engine.kind === 'pglite' && shared !== undefined) return shared
    shared = createDatabase(home.options)
    opened.push(shared)
    return shared
  }
  const database = open()
  await database.ready({ timeoutMilliseconds: 180_000 })
  const credentials = postgresTokenStore({ database, encryptionKeys })

  const start = async (): Promise<TestServer> => {
    const app = express()
    const http = createServer(app)
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', () => resolve()))
    const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    issuer ||= origin
    const resource = `${issuer}/mcp`
    const as = await createAuthorizationServer({
      issuer,
      database: servers.length === 0 ? database : open(),
      encryptionKeys,
      resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
      login: [devLogin({ users: USERS })],
      credentials,
      ...{ rateLimits: false },
    })
    servers.push({ http, as })
    app.use(as.router)
    app.use('/mcp', mcpAuth(createMcpAuth({ resource, validators: [as.validator] })), (_, reply) =>
      reply.json({ ok: true }),
    )
    return { origin, resource, as } as TestServer
  }
  const first = await start()
  const second = await start()
  return {
    first,
    second,
    database,
    encryptionKeys,
    credentials,
    async close() {
      for (const { http, as } of servers) {
        await as.close()
        http.closeAllConnections()
        http.close()
      }
      await credentials.close()
      for (const each of opened) await each.close()
      await home.drop()
    },
  }
}
