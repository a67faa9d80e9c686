import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDatabase, type Database } from '@bestviable/mcp-auth-store-postgres'
import {
  type AuthorizationServer,
  createAuthorizationServer,
  devLogin,
} from '@bestviable/mcp-authorization-server'
import { onTestFinished } from 'vitest'
import { obtainTokens, postToken } from '../../../authorization-server/test/engine/support/flow.js'
import type { TestServer } from '../../../authorization-server/test/engine/support/server.js'
import type { Environment } from './environments.js'

/** A running authorization server on the database of a command line. */
export interface RunningServer {
  readonly as: AuthorizationServer
  readonly issuer: string
  readonly database: Database
  /** Connects an app for a user, and answers with its access token. */
  connect(subject?: string): Promise<string>
  /** Asks for a token without a person; answers with the status. */
  postToken(clientId: string, clientSecret: string): Promise<number>
  /** Whether a resource server takes the token now. */
  accepts(accessToken: string): Promise<boolean>
}

/** Starts one for the length of a test. `ann` and `bob` can sign in without a password. */
export async function startAuthorizationServer(env: Environment): Promise<RunningServer> {
  const { DATABASE_URL: connectionString, DATA_DIR: dataDir = '', MCP_AUTH_ENCRYPTION_KEYS } = env
  const database =
    connectionString === undefined
      ? createDatabase({ dataDir })
      : createDatabase({ connectionString })
  await database.ready({ timeoutMilliseconds: 180_000 })
  const http = createServer((request, response) => {
    as.router(request, response, () => response.writeHead(404).end())
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', () => resolve()))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const resource = `${issuer}/mcp`
  const users = ['ann', 'bob'].map((subject) => ({
    subject,
    email: `${subject}@example.com`,
    name: subject,
  }))
  const as = await createAuthorizationServer({
    issuer,
    database,
    encryptionKeys: MCP_AUTH_ENCRYPTION_KEYS,
    resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
    login: [devLogin({ users })],
  })
  onTestFinished(async () => {
    await as.close()
    http.closeAllConnections()
    http.close()
    await database.close()
  })
  // What the flows use of a test server.
  const server = { origin: issuer, resource } as TestServer
  return {
    as,
    issuer,
    database,
    async connect(subject = 'ann') {
      return (await obtainTokens(server, { subject })).tokens.access_token
    },
    async postToken(clientId, clientSecret) {
      const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
      const form = { grant_type: 'client_credentials' }
      return (await postToken(server, form, { authorization })).status
    },
    async accepts(accessToken) {
      const request = { resource, digest: 'x', now: Date.now() }
      return (await as.validator.validate(accessToken, request)).kind === 'accepted'
    },
  }
}

/** Waits until a resource server refuses a token; at most a second. */
export async function untilRefused({ accepts }: RunningServer, accessToken: string): Promise<void> {
  const start = performance.now()
  while (await accepts(accessToken)) {
    if (performance.now() - start > 1000) throw new Error('the token is still good')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
