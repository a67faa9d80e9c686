import { createServer } from 'node:http'
import { onTestFinished } from 'vitest'

/** How the API answers `GET /apis/v1/whoami`. */
export type CodaMode = 'normal' | 'unavailable' | 'html' | 'redirect' | 'not-found' | 'mute'

/** A stand-in for the Coda API that knows some tokens. */
export interface FakeCoda {
  readonly baseUrl: string
  /** Tokens that it accepts. */
  readonly tokens: Set<string>
  mode: CodaMode
  /** Value of `Authorization` of every request. */
  readonly seen: (string | undefined)[]
}

/** Starts one for the length of a test. */
export async function startFakeCoda(...tokens: string[]): Promise<FakeCoda> {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`)
    const send = (status: number, body: string, type = 'application/json') =>
      response.writeHead(status, { 'content-type': type }).end(body)
    if (fake.mode === 'mute') return
    if (fake.mode === 'unavailable') return send(503, '{}')
    if (fake.mode === 'html') return send(200, '<!doctype html>', 'text/html')
    if (fake.mode === 'not-found') return send(404, '{}')
    if (fake.mode === 'redirect') {
      return response.writeHead(302, { location: `${fake.baseUrl}/elsewhere` }).end()
    }
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (!fake.tokens.has(token)) return send(401, '{"statusCode":401}')
    return send(200, JSON.stringify({ type: 'user', name: 'Ann', loginId: 'ann@example.com' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const fake: FakeCoda = {
    baseUrl: `http://127.0.0.1:${port}/apis/v1`,
    tokens: new Set(tokens),
    mode: 'normal',
    seen,
  }
  return fake
}
