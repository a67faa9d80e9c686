import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpAuth, memoryTokenStore, type TokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import express from 'express'
import { vi } from 'vitest'
import {
  type AuthorizationServer,
  assembleAuthorizationServer,
} from '../../../src/engine/assemble.js'
import { createParts } from '../../../src/engine/create-parts.js'
import type { EngineParts } from '../../../src/engine/parts.js'
import { devLogin } from '../../../src/login/dev-login.js'
import {
  type AuthorizationServerOptions,
  parseAuthorizationServerOptions,
} from '../../../src/options.js'
import { createMemoryStorage, type MemoryStorage } from './memory-storage.js'

export interface TestServer {
  readonly origin: string
  readonly resource: string
  readonly as: AuthorizationServer
  readonly storage: MemoryStorage
  readonly credentials: TokenStore
  /** Requests that reached the protected handler. */
  readonly handled: unknown[]
  /** Moves the clock. */
  advance(seconds: number): void
  close(): Promise<void>
}

export interface TestServerOptions extends Partial<AuthorizationServerOptions> {
  /** Parts to put in the place of the real ones. */
  readonly parts?: Partial<EngineParts> | undefined
  /** Runs before the router is mounted. */
  readonly before?: ((app: express.Express) => void) | undefined
  /** Uses the storage of an earlier server. */
  readonly storage?: MemoryStorage | undefined
  readonly redirectLogins?: ((origin: string) => AuthorizationServerOptions['login']) | undefined
}

const TEST_USERS = [
  { subject: 'ann', email: 'ann@example.com', name: 'Ann' },
  { subject: 'bob', email: 'bob@example.com', name: 'Bob' },
]

async function listen(app: express.Express): Promise<Server> {
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return server
}

/** Starts an application with our authorization server and one protected route. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { parts, before, storage: given, redirectLogins, ...own } = options
  const app = express()
  const http = await listen(app)
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const resource = `${origin}/mcp`
  // The engine reads the global clock, so that is the one to move.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  const now = () => Date.now()
  const storage = given ?? createMemoryStorage(now)
  const credentials = memoryTokenStore()
  const parsed = parseAuthorizationServerOptions({
    issuer: origin,
    database: 'postgresql://unused',
    encryptionKeys: generateEncryptionKey(),
    resources: {
      [resource]: { scopes: { 'coda.read': 'Read your docs', 'coda.write': 'Change your docs' } },
    },
    login: redirectLogins?.(origin) ?? [devLogin({ users: TEST_USERS })],
    credentials,
    now,
    // Tests are faster than people; those of the limits set them.
    rateLimits: false,
    ...own,
  })
  const built = { ...createParts(parsed, storage), ...parts }
  const as = await assembleAuthorizationServer(built, async () => undefined)
  const handled: unknown[] = []
  before?.(app)
  app.use(as.router)
  app.use(
    '/mcp',
    mcpAuth(createMcpAuth({ resource, validators: [as.validator], now, onEvent: () => undefined })),
    (request, response) => {
      handled.push(Reflect.get(request, 'auth'))
      response.json({ ok: true })
    },
  )
  app.use((_request, response) => {
    response.status(404).json({ error: 'not_found' })
  })
  return {
    origin,
    resource,
    as,
    storage,
    credentials,
    handled,
    advance(seconds) {
      vi.setSystemTime(Date.now() + seconds * 1000)
    },
    async close() {
      vi.useRealTimers()
      await as.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
