import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import {
  type AuthorizationServer,
  createAuthorizationServer,
  devLogin,
} from '@bestviable/mcp-authorization-server'
import { onTestFinished } from 'vitest'
import {
  obtainTokens,
  refresh,
  type Tokens,
} from '../../packages/authorization-server/test/engine/support/flow.js'
import type { TestServer } from '../../packages/authorization-server/test/engine/support/server.js'

/** Where the data of a server is. */
export interface Place {
  readonly options: { readonly connectionString: string } | { readonly dataDir: string }
  readonly encryptionKeys: string
}

/** What an app got when somebody connected it. */
export interface Connection {
  readonly clientId: string
  readonly tokens: Tokens
}

/** An authorization server whose database can be lost and restored. */
export interface RestorableServer {
  readonly port: number
  readonly as: AuthorizationServer
  /** Connects a new app for somebody. */
  connect(subject: string): Promise<Connection>
  /** Uses the refresh token of a connection: the new tokens, or `undefined` for `invalid_grant`. */
  refresh(connection: Connection): Promise<Connection | undefined>
  /** Whether a resource server takes the access token of a connection now. */
  accepts(connection: Connection): Promise<boolean>
  close(): Promise<void>
}

const users = ['ann', 'bob'].map((subject) => ({
  subject,
  email: `${subject}@example.com`,
  name: subject,
}))

/**
 * Starts one. A restored database belongs to the issuer of the one that was lost, so give its port.
 *
 * @throws what `createAuthorizationServer` throws, for example when the keys open nothing.
 */
export async function startRestorableServer(place: Place, port = 0): Promise<RestorableServer> {
  const database = createDatabase(place.options)
  await database.ready({ timeoutMilliseconds: 180_000 })
  let as: AuthorizationServer | undefined
  const http = createServer((request, response) => {
    const passOn = () => response.writeHead(404).end()
    if (as === undefined) passOn()
    else as.router(request, response, passOn)
  })
  const close = async () => {
    await as?.close()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
    await database.close()
  }
  try {
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', () => resolve()))
    const { port: bound } = http.address() as AddressInfo
    const issuer = `http://127.0.0.1:${bound}`
    const resource = `${issuer}/mcp`
    const started = await createAuthorizationServer({
      issuer,
      database,
      encryptionKeys: place.encryptionKeys,
      resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
      login: [devLogin({ users })],
    })
    as = started
    // What the flows use of a test server.
    const server = { origin: issuer, resource } as TestServer
    let open = true
    const closeOnce = async () => {
      if (open) await close()
      open = false
    }
    onTestFinished(closeOnce)
    return {
      port: bound,
      as: started,
      connect: (subject) => obtainTokens(server, { subject }),
      async refresh({ clientId, tokens }) {
        const { status, body } = await refresh(server, clientId, tokens.refresh_token)
        if (status === 200) return { clientId, tokens: body as Tokens }
        if (body.error === 'invalid_grant') return undefined
        throw new Error(`refresh: ${status} ${JSON.stringify(body)}`)
      },
      async accepts({ tokens }) {
        const request = { resource, digest: 'x', now: Date.now() }
        const verdict = await started.validator.validate(tokens.access_token, request)
        return verdict.kind === 'accepted'
      },
      close: closeOnce,
    }
  } catch (error) {
    await close()
    throw error
  }
}
