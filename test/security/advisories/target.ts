import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AuthInfo, jwt, type McpAuthOptions } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import express from 'express'
import { expect } from 'vitest'

export const RESOURCE = 'https://mcp.test/mcp'

/** What a server answered, and who its handler saw. */
export interface Answer {
  readonly status: number
  readonly challenge: string | null
  readonly text: string
  readonly subject: string | undefined
}

/** A server of ours with an issuer of its own, both on loopback. */
export interface Target {
  readonly issuer: TestIssuer
  readonly origin: string
  readonly port: number
  /** How often the handler has run. */
  readonly handled: () => number
  call(
    token: string | undefined,
    headers?: Readonly<Record<string, string>>,
    path?: string,
  ): Promise<Answer>
  close(): Promise<void>
}

export interface TargetOptions {
  readonly algorithm?: 'RS256' | 'ES256'
  readonly server?: Partial<McpAuthOptions>
}

function subjectOf(auth: AuthInfo | undefined): unknown {
  return auth?.extra.principal.subject
}

async function listen(app: express.Express): Promise<Server> {
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server))
  })
}

/** Starts a server that is protected as the README says. */
export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const { algorithm = 'RS256', server: own } = options
  const issuer = createTestIssuer({ audience: RESOURCE, scopes: ['docs.read'], algorithm })
  await issuer.listen()
  const app = express()
  let handled = 0
  app.use(
    mcpAuth({
      resource: RESOURCE,
      validators: [jwt({ issuer: issuer.issuer, jwksUri: issuer.jwksUri })],
      onEvent: () => undefined,
      ...own,
    }),
  )
  app.use((request, response) => {
    handled += 1
    response.json({ subject: subjectOf(Reflect.get(request, 'auth')) })
  })
  const http = await listen(app)
  const { port } = http.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return {
    issuer,
    origin,
    port,
    handled: () => handled,
    async call(token, headers = {}, path = '/mcp') {
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const response = await fetch(`${origin}${path}`, {
        method: 'POST',
        headers: { ...authorization, ...headers },
      })
      const text = await response.text()
      return {
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        text,
        subject: response.status === 200 ? JSON.parse(text).subject : undefined,
      }
    },
    async close() {
      await issuer.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

/** Runs an attack against a server of its own, which must serve a right token before and after it. */
export async function attack(
  run: (target: Target) => Promise<void>,
  options?: TargetOptions,
): Promise<void> {
  const target = await startTarget(options)
  try {
    const good = await target.issuer.token({
      sub: 'ann',
      email: 'ann@example.com',
      email_verified: true,
    })
    expect((await target.call(good)).subject).toBe('ann')
    await run(target)
    expect((await target.call(good)).subject).toBe('ann')
  } finally {
    await target.close()
  }
}

/** Expects each token to be refused as invalid, without the handler. */
export async function expectRefused(target: Target, ...tokens: readonly string[]): Promise<void> {
  for (const token of tokens) {
    const before = target.handled()
    const answer = await target.call(token)
    expect([answer.status, token.slice(0, 200)]).toEqual([401, token.slice(0, 200)])
    expect(answer.challenge).toContain('error="invalid_token"')
    expect(target.handled()).toBe(before)
  }
}
