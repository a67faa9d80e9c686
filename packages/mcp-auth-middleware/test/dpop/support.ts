import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import type { AuthEvent } from '../../src/events.js'
import { mcpAuth } from '../../src/express.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'

/** What one request came to. */
export interface Exchange {
  readonly status: number
  readonly challenge: string
  readonly reason: string | undefined
  readonly body: Record<string, unknown>
}

export interface DpopHost {
  readonly origin: string
  readonly resource: string
  readonly events: readonly AuthEvent[]
  send(
    headers: Readonly<Record<string, string>> | readonly [string, string][],
    init?: { readonly method?: string; readonly path?: string },
  ): Promise<Exchange>
  close(): Promise<void>
}

/** Serves a guarded handler, by Express or by `fetch`. */
export async function startHost(
  kind: 'express' | 'fetch',
  options: (resource: string) => Omit<McpAuthOptions, 'resource' | 'onEvent'>,
): Promise<DpopHost> {
  const app = express()
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const resource = `${origin}/mcp`
  const events: AuthEvent[] = []
  const auth = createMcpAuth({
    resource,
    onEvent: (event) => events.push(event),
    ...options(resource),
  })
  app.use(mcpAuth(auth))
  app.use((request, response) => {
    response.json({ caller: Reflect.get(request, 'auth')?.clientId ?? 'anonymous' })
  })
  const ask = (url: string, init: RequestInit): Promise<Response> =>
    kind === 'express'
      ? fetch(url, init)
      : auth.fetch(new Request(url, init), async (_request, authInfo) =>
          Response.json({ caller: authInfo?.clientId ?? 'anonymous' }),
        )
  return {
    origin,
    resource,
    events,
    async send(headers, { method = 'GET', path = '/mcp' } = {}) {
      events.length = 0
      const list = Array.isArray(headers) ? headers : Object.entries(headers)
      const response = await ask(origin + path, { method, headers: list })
      const text = await response.text()
      const event = events.find((each) => each.type === 'request')
      return {
        status: response.status,
        challenge: response.headers.get('www-authenticate') ?? '',
        reason: event?.type === 'request' ? event.reason : undefined,
        body: text === '' ? {} : JSON.parse(text),
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
