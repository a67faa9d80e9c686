import { type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { type Listening, listen } from '../support/listen.js'
import type { AccessTeam } from './access-team.js'

/** Cloudflare Access in front of a server, with its Managed OAuth turned on. */
export interface AccessEdge {
  readonly origin: string
  /** A token of Access's own, which only Access can read. */
  token(claims?: Readonly<Record<string, unknown>>): string
  close(): Promise<void>
}

const metadataPath = '/.well-known/cloudflare-access-protected-resource/mcp'

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function forward(
  { method, url, headers }: IncomingMessage,
  body: IncomingMessage,
  to: { readonly target: string; readonly assertion: string; readonly response: ServerResponse },
): void {
  const { target, assertion, response } = to
  const onward = send(
    new URL(url ?? '/', target),
    // Access hands the opaque token on, and puts in its assertion.
    { method, agent: false, headers: { ...headers, 'cf-access-jwt-assertion': assertion } },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  onward.on('error', () => response.destroy())
  body.pipe(onward)
}

/** Starts the edge in front of `target`. Without a token of its own it lets nothing through. */
export async function startAccessEdge(team: AccessTeam, target: string): Promise<AccessEdge> {
  const known = new Map<string, Readonly<Record<string, unknown>>>()
  const edge: Listening = await listen((request, response) => {
    const { origin } = edge
    if (request.url === metadataPath) {
      sendJson(response, 200, { resource: `${origin}/mcp`, authorization_servers: [origin] })
      return
    }
    if (request.url === '/.well-known/oauth-authorization-server') {
      sendJson(response, 200, { issuer: origin, code_challenge_methods_supported: ['S256'] })
      return
    }
    const token = /^Bearer (oauth:\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const claims = known.get(token)
    if (claims === undefined) {
      const challenge = `Bearer resource_metadata="${origin}${metadataPath}"`
      response.setHeader('www-authenticate', challenge)
      sendJson(response, 401, { error: 'unauthorized' })
      return
    }
    const { forged, ...rest } = claims
    const made = forged === true ? team.forgedAssertion() : team.assertion(rest)
    made.then(
      (assertion) => forward(request, request, { target, assertion, response }),
      () => response.destroy(),
    )
  })
  return {
    origin: edge.origin,
    token(claims = {}) {
      const token = `oauth:opaque-${known.size}`
      known.set(token, claims)
      return token
    },
    close: edge.close,
  }
}
