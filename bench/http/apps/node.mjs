import { createServer } from 'node:http'
import { createCandidate } from '../../candidates/index.mjs'

const BODY = JSON.stringify({ ok: true })
const HEADERS = { 'content-type': 'application/json', 'content-length': BODY.length }

/** Plain `node:http` with one candidate in front of a constant JSON answer. */
export async function listen(name, context) {
  const middleware = await createCandidate(name, context)
  const server = createServer((request, response) => {
    middleware(request, response, () => {
      response.writeHead(200, HEADERS)
      response.end(BODY)
    })
  })
  return server.listen(0, '127.0.0.1')
}
