import { createHash } from 'node:crypto'
import type { Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { serve } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { afterAll, beforeAll } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import type { McpAuth } from '../../src/create-mcp-auth.js'
import { guard, mcpAuth, metadata, type NodeRequest } from '../../src/express.js'
import {
  createFetchHandler,
  describeCall,
  describeCaller,
  type Echo,
  SLOW_JSON_MS,
} from './fetch-handler.js'
import {
  createRecorder,
  createScenarioAuth,
  type Recorder,
  type Recording,
  type Scenario,
  takeRecording,
} from './scenario.js'
import { workersRuntime } from './workers-runtime.js'

export const HOST_KINDS = ['express4', 'express5', 'hono', 'workers'] as const
export type HostKind = (typeof HOST_KINDS)[number]

/** Hosts whose adapter is `./express`. */
export const NODE_HOST_KINDS = ['express4', 'express5'] as const

/** Whether the adapter is `auth.fetch`, so that an HTTP server stands in front of it. */
export function isFetchHost(kind: HostKind): boolean {
  return kind === 'hono' || kind === 'workers'
}

/**
 * The samples of one rule that are sent to a host: all of them by night. By day each goes to one of the two
 * hosts of `./express` and to one of the two of `auth.fetch`, and every pair of them gets its share.
 */
export function samplesFor<Sample>(kind: HostKind, samples: readonly Sample[]): Sample[] {
  if (isLongForm) return [...samples]
  const place = HOST_KINDS.indexOf(kind) % 2
  return samples.filter((_sample, index) => (isFetchHost(kind) ? index >> 1 : index) % 2 === place)
}

/** One running server. */
export interface Host {
  readonly kind: HostKind
  readonly port: number
  readonly scenario: Scenario
  /** Everything that happened since the last call. */
  take(): Promise<Recording>
  /** Revokes every token of a subject, where the scenario is `revocable`. */
  revoke(subject: string): Promise<void>
  close(): Promise<void>
}

// Express 4 has no type package beside that of Express 5; what is used here is the same in both.
const express4: typeof express = createRequire(import.meta.url)('express4')

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function echo(request: NodeRequest, response: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const answer: Echo = {
    method: request.method ?? '',
    length: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    parsed: Buffer.isBuffer(request.body) ? request.body.toString() : (request.body ?? null),
    caller: describeCaller(request.auth),
  }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(answer))
}

function createNodeHandler(auth: McpAuth, recorder: Recorder) {
  return (request: NodeRequest, response: ServerResponse, next: (error: unknown) => void): void => {
    const target = request.originalUrl ?? ''
    recorder.calls.push(describeCall(request.method ?? '', target, request.auth))
    switch (target.split('?')[0]) {
      case '/sse':
        // Passed to writeHead, where no setHeader sees them, as the SDKs do.
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.write('data: first\n\n')
        return
      case '/sse-busy': {
        response.setHeader('Content-Type', 'text/event-stream')
        const block = `data: ${'x'.repeat(64 * 1024)}\n\n`
        // As many servers do: writes on until the answer is closed.
        const timer = setInterval(() => response.write(block), 5)
        response.on('close', () => {
          clearInterval(timer)
          recorder.calls.push(describeCall('CLOSED', target, request.auth))
        })
        return
      }
      case '/sse-late': {
        // Writes once more before it can have heard of the end, as a busy server happens to do.
        const end = response.end.bind(response)
        response.end = (): ServerResponse => {
          end()
          response.write('data: late\n\n')
          return response
        }
        response.on('close', () => {
          recorder.calls.push(describeCall('CLOSED', target, request.auth))
        })
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.write('data: first\n\n')
        return
      }
      case '/ndjson':
        response.setHeader('content-type', 'application/x-ndjson; charset=utf-8')
        response.write('{"first":1}\n')
        return
      case '/slow-json':
        response.setHeader('content-type', 'application/json')
        response.write('{"first":1,')
        setTimeout(() => response.end('"second":2}'), SLOW_JSON_MS)
        return
      case '/session':
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ id: auth.sessionIds(request)() }))
        return
      default:
        echo(request, response).catch(next)
    }
  }
}

function createExpressApp(
  framework: typeof express,
  auth: McpAuth,
  scenario: Scenario,
  recorder: Recorder,
): express.Express {
  const app = framework()
  const { parser, mount } = scenario
  const parsers = {
    json: () => framework.json({ type: () => true, limit: '16mb' }),
    text: () => framework.text({ type: () => true, limit: '16mb' }),
    raw: () => framework.raw({ type: () => true, limit: '16mb' }),
    urlencoded: () => framework.urlencoded({ extended: true, type: () => true }),
  }
  if (parser?.before !== undefined) app.use(parsers[parser.before]())
  const handler = createNodeHandler(auth, recorder)
  switch (mount) {
    case 'parts':
      app.use(metadata(auth))
      app.use('/mcp', guard(auth))
      break
    case 'twice':
      app.use(mcpAuth(auth), mcpAuth(auth))
      break
    case 'router': {
      const router = framework.Router()
      router.use(mcpAuth(auth), handler)
      app.use('/tenant', router)
      return app
    }
    default:
      app.use(mcpAuth(auth))
  }
  if (parser?.after !== undefined) app.use(parsers[parser.after]())
  app.use(handler)
  return app
}

async function startExpress(
  kind: 'express4' | 'express5',
  scenario: Scenario,
): Promise<Omit<Host, 'kind' | 'scenario'>> {
  const { createServer } = await import('node:http')
  const recorder = createRecorder()
  const auth = createScenarioAuth(scenario, recorder)
  const app = createExpressApp(kind === 'express4' ? express4 : express, auth, scenario, recorder)
  // Quiet: a parser's refusal is expected here and must not fill the log of the run.
  app.set('env', 'test')
  const server = createServer(app)
  return {
    port: await listen(server),
    take: async () => takeRecording(recorder),
    revoke: async (subject) => void recorder.revoked.add(subject),
    close: () => closing(server),
  }
}

async function startHono(scenario: Scenario): Promise<Omit<Host, 'kind' | 'scenario'>> {
  const recorder = createRecorder()
  const auth = createScenarioAuth(scenario, recorder)
  const handler = createFetchHandler(auth, recorder)
  const app = new Hono()
  app.all('*', (context) => auth.fetch(context.req.raw, handler))
  const server = await new Promise<Server>((resolve) => {
    // Without `createServer` the adapter makes an HTTP/1.1 server.
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
      resolve(started as Server),
    )
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    take: async () => takeRecording(recorder),
    revoke: async (subject) => void recorder.revoked.add(subject),
    close: () => closing(server),
  }
}

async function startWorkers(
  scenario: Scenario,
  flags: readonly string[],
): Promise<Omit<Host, 'kind' | 'scenario'>> {
  const { port, command } = await workersRuntime(flags)
  await command({ scenario })
  return {
    port,
    take: () => command({}),
    revoke: async (subject) => void (await command({ revoke: subject })),
    close: async () => undefined,
  }
}

/** Starts a server of one kind. A scenario of the Workers host replaces the one before it. */
export async function startHost(
  kind: HostKind,
  scenario: Scenario,
  options: { readonly compatibilityFlags?: readonly string[] } = {},
): Promise<Host> {
  const parts =
    kind === 'hono'
      ? await startHono(scenario)
      : kind === 'workers'
        ? await startWorkers(scenario, options.compatibilityFlags ?? [])
        : await startExpress(kind, scenario)
  return { ...parts, kind, scenario }
}

/**
 * Starts a server for the tests of the surrounding `describe`.
 *
 * @param scenario - called when the tests begin, so that it may use an issuer that listens by then.
 */
export function useHost(
  kind: HostKind,
  scenario: () => Scenario,
  options: { readonly compatibilityFlags?: readonly string[] } = {},
): () => Host {
  let host: Host | undefined
  beforeAll(async () => {
    host = await startHost(kind, scenario(), options)
  })
  afterAll(() => host?.close())
  return () => {
    if (host === undefined) throw new Error('the host is started by beforeAll')
    return host
  }
}
