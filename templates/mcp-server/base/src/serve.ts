import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, type McpServer } from '@modelcontextprotocol/server'
import express, { type RequestHandler } from 'express'
import type { Settings } from './settings.js'

/** What the server is made of. */
export interface Parts {
  /** Goes before everything but the health routes, in this order, and lets nobody through unseen. */
  readonly auth: readonly RequestHandler[]
  /** Makes the MCP server of one request. */
  readonly createMcpServer: () => McpServer
  /** Closes what the parts have opened. */
  readonly close?: () => Promise<unknown>
}

/** A server that listens. */
export interface RunningServer {
  /** Answers what was asked, closes and resolves. */
  close(): Promise<void>
}

/** Load balancers learn late that a server is not ready any more. */
const ACCEPT_MILLISECONDS = 5_000
const DRAIN_MILLISECONDS = 20_000

/** Serves `/health/live`, `/health/ready` and, for those whom `auth` lets in, `/mcp`. */
export async function serve(settings: Settings, parts: Parts): Promise<RunningServer> {
  const mcp = createMcpHandler(parts.createMcpServer)
  const handleMcp = toNodeHandler(mcp)
  let closing: Promise<void> | undefined

  const app = express().disable('x-powered-by')
  app.use((_request, response, next) => {
    if (closing !== undefined) response.set('connection', 'close')
    next()
  })
  app.get(['/health', '/health/live'], (_request, response) => void response.json({ status: 'ok' }))
  app.get('/health/ready', (_request, response) => {
    response.status(closing === undefined ? 200 : 503).json({ ready: closing === undefined })
  })
  app.use(...parts.auth)
  app.all('/mcp', (request, response) => handleMcp(request, response))

  // Longer than proxies keep theirs, so that none sends a request on a connection that ends right then.
  const server = createServer({ keepAliveTimeout: 95_000 }, app)
  server.listen(settings.port, settings.host)
  await once(server, 'listening')

  async function drain(): Promise<void> {
    if (!settings.isLocal) await delay(ACCEPT_MILLISECONDS)
    const closed = once(server, 'close')
    server.close()
    const idle = setInterval(() => server.closeIdleConnections(), 100)
    await Promise.race([closed, delay(DRAIN_MILLISECONDS, undefined, { ref: false })])
    clearInterval(idle)
    await mcp.close()
    server.closeAllConnections()
    await parts.close?.()
  }
  return {
    close: () => {
      closing ??= drain()
      return closing
    },
  }
}
