import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import express from 'express'
import { mcpRoute } from './mcp-route.mjs'
import { createOurs } from './ours.mjs'

/** An MCP server with our authorization server and middleware. */
export async function create(place) {
  const as = await createOurs(place)
  const app = express()
  app.use(as.router)
  app.use(
    mcpAuth({ resource: place.resource, validators: [as.validator], onEvent: () => undefined }),
  )
  app.all('/mcp', mcpRoute())
  return app
}
