/*
 * One Express 5 server with one candidate in front of a JSON route, in a process of its own.
 * Parameters: candidate, fixture, JWKS URL. Answers `usage` messages with its CPU time so far.
 */
import express from 'express'
import { createCandidate } from '../candidates/index.mjs'

const [name, fixturePath, jwksUri] = process.argv.slice(2)
const app = express()
app.use(await createCandidate(name, { fixturePath, jwksUri, onEvent: () => {} }))
app.get('/mcp', (_request, response) => {
  response.json({ ok: true })
})
app.use((error, _request, response, _next) => {
  response
    .set(error.headers ?? {})
    .status(error.status ?? 500)
    .json({ error: error.code ?? 'error' })
})

const server = app.listen(0, '127.0.0.1', () => {
  process.send({ port: server.address().port })
})
process.on('message', (message) => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage()
    process.send({ microseconds: user + system, rss: process.memoryUsage.rss() })
  }
})
process.on('disconnect', () => process.exit(0))
