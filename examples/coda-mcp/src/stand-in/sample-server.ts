import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import express from 'express'
import { createCodaStandIn, standInPath } from './coda-stand-in.js'

/** A running stand-in for Coda. */
export interface SampleServer {
  /** To use as the base URL of the Coda client. */
  readonly baseUrl: string
  /** The only token that it accepts; new with every start. */
  readonly token: string
  close(): Promise<void>
}

/** Starts the stand-in for Coda on a free port of 127.0.0.1. Its docs live in memory. */
export async function startSampleServer(): Promise<SampleServer> {
  const token = randomBytes(24).toString('base64url')
  const app = express()
  app.disable('x-powered-by')
  app.use(createCodaStandIn({ acceptsToken: (candidate) => candidate === token }).router)
  const server = createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // The process lives as long as the MCP server does, and ends when that cannot start.
  server.unref()
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    baseUrl: `http://127.0.0.1:${port}${standInPath}`,
    token,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
