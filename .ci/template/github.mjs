import { once } from 'node:events'
import { createServer } from 'node:http'

/** Stands in for GitHub: knows one token, whose account is octocat. */
export async function startGithub() {
  const token = 'github-token-of-the-check'
  const server = createServer((request, response) => {
    const isKnown = request.url === '/user' && request.headers.authorization === `Bearer ${token}`
    response
      .writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' })
      .end(JSON.stringify(isKnown ? { login: 'octocat' } : { message: 'Bad credentials' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { token, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }
}
