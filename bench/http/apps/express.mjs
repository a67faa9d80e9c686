import express from 'express'
import { createCandidate } from '../../candidates/index.mjs'

/** Express 5 with one candidate in front of a JSON route. */
export async function listen(name, context) {
  const app = express()
  app.use(await createCandidate(name, context))
  app.get('/mcp', (_request, response) => {
    response.json({ ok: true })
  })
  app.use((error, _request, response, _next) => {
    response
      .set(error.headers ?? {})
      .status(error.status ?? 500)
      .json({ error: error.code ?? 'error' })
  })
  return app.listen(0, '127.0.0.1')
}
