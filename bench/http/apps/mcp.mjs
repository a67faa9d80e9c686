import express from 'express'
import { mcpRoute } from '../../authorization-server/servers/mcp-route.mjs'
import { createCandidate } from '../../candidates/index.mjs'

/** Express 5 with a tool of MCP SDK v2, one candidate in front of it. */
export async function listen(name, context) {
  const app = express()
  app.use(await createCandidate(name, context))
  app.all('/mcp', mcpRoute())
  return app.listen(0, '127.0.0.1')
}
