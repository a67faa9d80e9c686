import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createEnvelopeCodec,
  generateEncryptionKey,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createDatabase, type DatabaseOptions } from '@bestviable/mcp-auth-store-postgres'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import { testEngines } from '../../../../store-postgres/test/support/engines.js'
import { assembleAuthorizationServer } from '../../../src/engine/assemble.js'
import { createParts } from '../../../src/engine/create-parts.js'
import type { EngineParts } from '../../../src/engine/parts.js'
import { devLogin } from '../../../src/login/dev-login.js'
import {
  type AuthorizationServerOptions,
  parseAuthorizationServerOptions,
} from '../../../src/options.js'
import { createStorage } from '../../../src/storage/create-storage.js'

/** An MCP server with our authorization server in it, which a test closes and opens again. */
export interface FlowApp {
  readonly origin: string
  readonly resource: string
  /** Where it listens; differs from {@link FlowApp.origin} behind a proxy. */
  readonly port: number
  /** Closes everything and opens it anew on the same port and database, as another process would. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** What a test may choose. */
export interface FlowAppOptions {
  /** Public origin. Default: where it listens. */
  readonly issuer?: string | undefined
  readonly login?: ((origin: string) => AuthorizationServerOptions['login']) | undefined
  readonly allow?: AuthorizationServerOptions['allow']
  readonly trustProxy?: AuthorizationServerOptions['trustProxy']
  /** What stands in for the outside network. */
  readonly parts?: Partial<EngineParts> | undefined
}

/** The scopes of the server. `notes.write` is asked for only by the tool that needs it. */
export const SCOPES = { 'notes.read': 'Read your notes', 'notes.write': 'Change your notes' }

const ANN = { subject: 'ann', email: 'ann@example.com', name: 'Ann' }

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  for (const name of ['read_note', 'write_note']) {
    server.registerTool(name, {}, (context) => ({
      content: [{ type: 'text' as const, text: `${name} by ${context.http?.authInfo?.clientId}` }],
    }))
  }
  return server
}

interface Running {
  readonly port: number
  close(): Promise<void>
}

async function open(
  port: number,
  databaseOptions: DatabaseOptions,
  encryptionKeys: string,
  options: FlowAppOptions,
): Promise<Running> {
  const app = express()
  // A connection that a client keeps would be dead after the restart.
  app.use((_request, response, next) => {
    response.setHeader('connection', 'close')
    next()
  })
  const http = createServer(app)
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, '127.0.0.1', resolve)
  })
  const bound = (http.address() as AddressInfo).port
  const origin = options.issuer ?? `http://127.0.0.1:${bound}`
  const resource = `${origin}/mcp`

  const database = createDatabase(databaseOptions)
  const parsed = parseAuthorizationServerOptions({
    issuer: origin,
    database,
    encryptionKeys,
    resources: { [resource]: { scopes: SCOPES, defaultScopes: ['notes.read'] } },
    login: options.login?.(origin) ?? [devLogin({ users: [ANN] })],
    allow: options.allow,
    trustProxy: options.trustProxy,
  })
  const codec = createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: encryptionKeys }) })
  const storage = createStorage({ database, codec, now: parsed.now })
  const as = await assembleAuthorizationServer(
    { ...createParts(parsed, storage), ...options.parts },
    async () => {
      await storage.close()
      await database.close()
    },
  )
  const mcp = createMcpHandler(createMcpServer)
  const handle = toNodeHandler(mcp)
  app.use(as.router)
  app.use(
    mcpAuth({
      resource,
      validators: [as.validator],
      scopes: {
        required: ['notes.read'],
        tools: { read_note: [], write_note: ['notes.write'] },
        otherTools: ['notes.write'],
      },
      onEvent: () => undefined,
    }),
  )
  app.all('/mcp', (request, response) => void handle(request, response))
  return {
    port: bound,
    async close() {
      await mcp.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await as.close()
    },
  }
}

/** Starts the server on an empty database: of a real PostgreSQL where there is one, else PGlite. */
export async function startFlowApp(options: FlowAppOptions = {}): Promise<FlowApp> {
  const engines = testEngines().filter(({ skip }) => skip === undefined)
  const engine = engines.find(({ kind }) => kind === 'postgres') ?? engines[0]
  if (engine === undefined) throw new Error('no database engine')
  const home = await engine.createDatabase()
  const encryptionKeys = generateEncryptionKey()
  let running = await open(0, home.options, encryptionKeys, options)
  const { port } = running
  const origin = options.issuer ?? `http://127.0.0.1:${port}`
  return {
    origin,
    resource: `${origin}/mcp`,
    port,
    async restart() {
      await running.close()
      running = await open(port, home.options, encryptionKeys, options)
    },
    async close() {
      await running.close()
      await home.drop()
    },
  }
}
