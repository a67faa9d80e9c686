/*
 * One Express 5 server with one candidate in front of a route, in a process of its own. Parameters:
 * candidate, JWKS URL. The handler answers who it saw.
 */
import { createRequire } from 'node:module'
import express from 'express'
import { createCandidate } from '../../../bench/candidates/index.mjs'

const [name, jwksUri] = process.argv.slice(2)
const app = express()
// Clients may send tokens in a form too, which some look for there.
app.use(express.urlencoded({ extended: false }))
app.use(await createCandidate(name, { jwksUri, onEvent: () => {} }))
// Its scopes are a middleware of their own; the others take them as an option.
if (name === 'express-oauth2-jwt-bearer') {
  const require = createRequire(new URL('../../../bench/package.json', import.meta.url))
  app.use(require(name).requiredScopes('coda.read'))
}
app.all('/mcp', (_request, response) => {
  response.json({ ok: true })
})
// express-oauth2-jwt-bearer leaves its answers to the error handler.
app.use((error, _request, response, _next) => {
  response
    .set(error.headers ?? {})
    .status(error.status ?? 500)
    .json({ error: error.code ?? 'error' })
})
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('disconnect', () => process.exit(0))
