import { createServer } from 'node:http'

/**
 * Serves a JWK Set on loopback and notes when each request came.
 *
 * @param now - clock that the notes are taken with.
 */
export async function startKeyServer(jwks, now = Date.now) {
  const body = JSON.stringify(jwks)
  const fetches = []
  let status = 200
  const server = createServer((_request, response) => {
    fetches.push(now())
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(status === 200 ? body : '{}')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  // The measured program, not this server, decides when the process ends.
  server.unref()
  return {
    jwksUri: `http://127.0.0.1:${server.address().port}/jwks.json`,
    fetches,
    answer(nextStatus) {
      status = nextStatus
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
