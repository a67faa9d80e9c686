import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { ApiError, formatApiError } from './api-error.js'
import { type FakeEndpoint, type FakeFault, FakeFaults } from './faults.js'
import { Identities } from './identities.js'
import type { FakeRequest } from './request.js'
import { answer, findRoute, type Route } from './routes.js'
import type { Project } from './secret-endpoints.js'
import { type FakeSecret, Vault } from './vault.js'

export type { FakeEndpoint, FakeFault } from './faults.js'
export { FakeFaults } from './faults.js'
export type { Identities } from './identities.js'
export type { FakeSecret } from './vault.js'

const BODY_BYTES = 1024 * 1024
const HTML = '<!doctype html><html><body>Infisical</body></html>'

/** Options of {@link startFakeInfisical}. */
export interface FakeInfisicalOptions {
  readonly projectId?: string
  readonly environment?: string
  /** Ids of tags that exist. Default none. */
  readonly tags?: readonly string[]
  /** Life of an access token, in seconds. Default 2592000, which is also the maximum. */
  readonly tokenTtlSeconds?: number
  readonly tokenMaxTtlSeconds?: number
  /** Current time in epoch milliseconds, also for the ends of tokens. Default `Date.now`. */
  readonly now?: () => number
}

/** One request that arrived, whatever became of it. */
export interface FakeRequestRecord {
  readonly endpoint: FakeEndpoint | undefined
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
  readonly hasBearer: boolean
  /** Real time in epoch milliseconds. */
  readonly at: number
}

/** A stand-in for an Infisical server, see {@link startFakeInfisical}. */
export interface FakeInfisical {
  readonly siteUrl: string
  readonly projectId: string
  /** Slug of the only environment. */
  readonly environment: string
  readonly clientId: string
  readonly clientSecret: string
  readonly identityId: string
  readonly identities: Identities
  readonly project: Project
  readonly faults: FakeFaults
  /** Every request since the start or the last `requests.length = 0`. */
  readonly requests: FakeRequestRecord[]
  /** Counts requests by endpoint. */
  count(...endpoints: FakeEndpoint[]): number
  /** What is stored now. */
  secrets(): FakeSecret[]
  /** Writes as a person does in the web interface; the folder is made too. */
  edit(path: string, name: string, value: string, comment?: string): FakeSecret
  close(): Promise<void>
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= BODY_BYTES) chunks.push(chunk)
  }
  if (size > BODY_BYTES) throw new ApiError(500, 'InternalServerError', 'Something went wrong')
  const text = Buffer.concat(chunks).toString()
  if (text === '') return {}
  const body: unknown = JSON.parse(text)
  if (typeof body !== 'object' || body === null) {
    throw new ApiError(400, 'BadRequest', 'Body is not an object')
  }
  return body as Record<string, unknown>
}

function send(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, JSON.stringify(body), 'application/json; charset=utf-8')
}

/** Answers with a fault that does not even look at the request; tells whether it did. */
function sendFault(response: ServerResponse, fault: FakeFault | undefined): boolean {
  switch (fault) {
    case 'rate-limit': {
      const message = 'Rate limit exceeded. Please try again in 33 seconds'
      response.setHeader('retry-after', '60')
      sendJson(response, 429, formatApiError(new ApiError(429, 'RateLimitExceeded', message)))
      return true
    }
    case 'server-error': {
      const error = new ApiError(500, 'InternalServerError', 'Something went wrong')
      sendJson(response, 500, formatApiError(error))
      return true
    }
    case 'token-expired': {
      const message = 'Your token has expired. Please re-authenticate.'
      sendJson(response, 403, formatApiError(new ApiError(403, 'TokenError', message)))
      return true
    }
    case 'bad-gateway':
      send(response, 502, HTML, 'text/html')
      return true
    case 'html':
      send(response, 200, HTML, 'text/html')
      return true
    case 'no-content':
      response.writeHead(204).end()
      return true
    case 'reset':
      response.destroy()
      return true
    default:
      return false
  }
}

/**
 * Starts an Infisical server on 127.0.0.1 that speaks the endpoints which `@infisical/sdk` 5 uses for
 * machine identities, secrets and folders. Written from the contract data, not from the server's code:
 * `fake-infisical.test.ts` holds it to that data. Nothing is kept after `close()`.
 */
export async function startFakeInfisical(
  options: FakeInfisicalOptions = {},
): Promise<FakeInfisical> {
  const { projectId = randomUUID(), environment = 'prod', tags = [], now = Date.now } = options
  const vault = new Vault(now)
  const faults = new FakeFaults()
  const project: Project = {
    projectId,
    environment,
    tags,
    vault,
    faults,
    policyViolation: undefined,
  }
  const identities = new Identities({
    clientId: randomUUID(),
    clientSecret: `canary-client-secret-${randomUUID()}`,
    identityId: randomUUID(),
    tokenTtlSeconds: options.tokenTtlSeconds ?? 2_592_000,
    tokenMaxTtlSeconds: options.tokenMaxTtlSeconds ?? 2_592_000,
    now,
  })
  const requests: FakeRequestRecord[] = []

  async function respond(
    response: ServerResponse,
    route: Route,
    request: FakeRequest,
  ): Promise<void> {
    const fault = faults.take(route.endpoint)
    if (sendFault(response, fault)) return
    if (fault === 'stall') {
      await faults.stall()
      if (response.destroyed) return
    }
    const body = answer(project, identities, route, request, fault === 'approval')
    if (fault === 'reset-after-apply') {
      response.destroy()
      return
    }
    if (fault === 'stall-body') {
      const text = JSON.stringify(body)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write(text.slice(0, 10))
      await faults.stall()
      response.end(text.slice(10))
      return
    }
    sendJson(response, 200, body)
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://127.0.0.1')
    const path = url.pathname.replace(/^\/infisical(?=\/)/, '')
    const method = incoming.method ?? 'GET'
    const route = findRoute(method, path)
    const authorization = incoming.headers.authorization
    const query = Object.fromEntries(url.searchParams)
    let body: Record<string, unknown> = {}
    try {
      body = await readBody(incoming)
    } finally {
      const hasBearer = authorization !== undefined
      const endpoint = route?.endpoint
      requests.push({ endpoint, method, path, query, body, hasBearer, at: Date.now() })
    }
    if (route === undefined) throw new ApiError(404, 'NotFound', 'no such route')
    const bearer = authorization?.replace(/^Bearer /, '')
    await respond(response, route, { method, path, query, body, bearer })
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      if (response.destroyed || response.headersSent) return
      const known =
        error instanceof ApiError
          ? error
          : new ApiError(500, 'InternalServerError', 'Something went wrong')
      sendJson(response, known.status, formatApiError(known))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { clientId, clientSecret, identityId } = identities.options

  return {
    siteUrl: `http://127.0.0.1:${port}`,
    projectId,
    environment,
    clientId,
    clientSecret,
    identityId,
    identities,
    project,
    faults,
    requests,
    count: (...endpoints) =>
      requests.filter(({ endpoint }) => endpoint !== undefined && endpoints.includes(endpoint))
        .length,
    secrets: () => [...vault.secrets.values()],
    edit(path, name, value, comment) {
      const parts = path.split('/').filter((part) => part !== '')
      const last = parts.pop()
      if (last !== undefined) vault.createFolder(`/${parts.join('/')}`, last)
      return vault.write(path, name, { value, comment })
    },
    async close() {
      faults.release()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
