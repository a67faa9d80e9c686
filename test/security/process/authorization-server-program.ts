import { createServer } from 'node:http'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import { createAuthorizationServer, devLogin } from '@bestviable/mcp-authorization-server'
import express from 'express'
import { serveActions } from '../harness/program-actions.js'

/* The authorization server as it is published, on its embedded database. */

export interface AuthorizationServerJob {
  /** Folder of its database. */
  readonly dataDir: string
  readonly encryptionKeys: string
  readonly email: string
}

serveActions({
  async start({ dataDir, encryptionKeys, email }: AuthorizationServerJob): Promise<number> {
    const app = express()
    const server = createServer(app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const issuer = `http://127.0.0.1:${port}`
    const as = await createAuthorizationServer({
      issuer,
      database: createDatabase({ dataDir }),
      encryptionKeys,
      resources: { [`${issuer}/mcp`]: { scopes: { 'docs.read': 'Read your docs' } } },
      login: [devLogin({ users: [{ subject: 'ann', email, name: 'Ann' }] })],
      // All requests come from one address.
      rateLimits: false,
    })
    app.use(as.router)
    return port
  },
})
