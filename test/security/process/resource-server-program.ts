import { createServer, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import {
  type AuthEvent,
  cloudflareAccess,
  createMcpAuth,
  introspection,
  jwt,
  localBearer,
  type McpAuth,
  StoreUnavailableError,
} from '@bestviable/mcp-auth-middleware'
import { mcpAuth, type NodeRequest } from '@bestviable/mcp-auth-middleware/express'
import { serve } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { serveActions } from '../harness/program-actions.js'
import {
  ACCESS_AUDIENCE,
  type Flood,
  MATRIX_HOSTS,
  type MatrixHost,
  type MatrixPorts,
  OPAQUE_PREFIX,
  RESOURCE,
  type ResourceServerJob,
  SCOPES,
} from './resource-server-job.js'

/* The resource server as it is published, on three frameworks, with everything written to its log. */

// Express 4 has no type package beside that of Express 5; what is used here is the same in both.
const express4: typeof express = createRequire(import.meta.url)('express4')

interface Seen {
  readonly events: AuthEvent[]
  readonly calls: { method: string; target: string; caller: null }[]
}
const seen = Object.fromEntries(
  MATRIX_HOSTS.map((host) => [host, { events: [], calls: [] }]),
) as unknown as Record<MatrixHost, Seen>

function createAuth(job: ResourceServerJob, host: MatrixHost): McpAuth {
  const { issuer, jwksUri } = job
  return createMcpAuth({
    resource: RESOURCE,
    authorizationServers: [issuer],
    scopes: SCOPES,
    allow: { emails: job.emails },
    validators: [
      jwt({ issuer, jwksUri, profile: 'rfc9068' }),
      ...job.faulty.map((each) => jwt({ ...each, profile: 'rfc9068' })),
      localBearer({
        ci: { digest: job.bearerDigest, scopes: ['docs.read'], email: job.emails[0] },
      }),
      cloudflareAccess({
        team: 'acme',
        audience: [ACCESS_AUDIENCE],
        grantScopes: () => ['docs.read'],
        fetch: (_url, init) => fetch(jwksUri, init),
      }),
      introspection({ ...job.introspection, prefixes: [OPAQUE_PREFIX], negativeCacheSeconds: 0 }),
    ],
    credentials: [
      {
        matches: (tool) => tool === 'stored_down',
        resolve: () => Promise.reject(new StoreUnavailableError(job.storeSecret)),
      },
      {
        matches: (tool) => tool === 'stored_damaged',
        resolve: () => Promise.reject(new Error(job.storeSecret)),
      },
    ],
    onEvent: (event) => {
      seen[host].events.push(event)
      process.stdout.write(`${JSON.stringify(event)}\n`)
    },
  })
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(portOf(server)))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function startExpress(
  framework: typeof express,
  host: MatrixHost,
  auth: McpAuth,
  timeouts: ServerOptions = {},
): Promise<number> {
  const app = framework()
  app.use(mcpAuth(auth))
  // Reads the body as most servers do, so that what a parser says of it is seen as well.
  app.use(framework.json({ type: () => true, limit: '5mb' }))
  app.use((request: NodeRequest, response: ServerResponse) => {
    const { method = '', originalUrl = '' } = request
    seen[host].calls.push({ method, target: originalUrl, caller: null })
    response.setHeader('content-type', 'application/json')
    response.end('{"ok":true}')
  })
  return listen(createServer(timeouts, app))
}

async function startHono(auth: McpAuth): Promise<number> {
  const app = new Hono()
  app.all('*', (context) =>
    auth.fetch(context.req.raw, (request) => {
      seen.hono.calls.push({ method: request.method, target: request.url, caller: null })
      return Response.json({ ok: true })
    }),
  )
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
      resolve(started as Server),
    )
  })
  return portOf(server)
}

let flooded: McpAuth | undefined
let floods = 0

/** Asks for the resource with tokens that nobody has sent before, and counts the answers. */
async function flood({ count, good }: Flood): Promise<Record<number, number>> {
  if (flooded === undefined) throw new TypeError('prepare the flood first')
  const statuses: Record<number, number> = {}
  const signed = good.slice(0, good.lastIndexOf('.'))
  for (let index = 0; index < count; index += 1) {
    floods += 1
    const name = floods.toString(36).padStart(86, 'A')
    const token = index % 2 === 0 ? `${signed}.${name}` : `unknown-${name}`
    const request = new Request(RESOURCE, { headers: { authorization: `Bearer ${token}` } })
    const { status } = await flooded.fetch(request, () => new Response())
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  return statuses
}

serveActions({
  async start(job: ResourceServerJob): Promise<MatrixPorts> {
    return {
      express4: await startExpress(express4, 'express4', createAuth(job, 'express4')),
      express5: await startExpress(express, 'express5', createAuth(job, 'express5'), job.timeouts),
      hono: await startHono(createAuth(job, 'hono')),
    }
  },
  prepareFlood(job: ResourceServerJob): void {
    const { issuer, jwksUri } = job
    flooded = createMcpAuth({
      resource: RESOURCE,
      validators: [jwt({ issuer, jwksUri, profile: 'rfc9068' })],
      onEvent: () => undefined,
    })
  },
  flood,
  take(host: MatrixHost): Seen {
    return { events: seen[host].events.splice(0), calls: seen[host].calls.splice(0) }
  },
})
