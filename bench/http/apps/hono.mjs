import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createHonoCandidate } from '../../candidates/hono.mjs'

/** Hono on its Node.js server with one candidate in front of a JSON route. */
export async function listen(name, context) {
  const app = new Hono()
  app.use(await createHonoCandidate(name, context))
  app.get('/mcp', (c) => c.json({ ok: true }))
  return serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
}
