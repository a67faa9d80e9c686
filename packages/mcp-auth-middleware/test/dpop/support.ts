import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import type { AuthEvent } from '../../src/events.js'
import { mcpAuth } from '../../src/express.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'

/** Members that replace the right ones of a proof; `undefined` leaves one out. */
export interface ProofChange {
  readonly payload?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly signer?: GenerateKeyPairResult['privateKey'] | Uint8Array
}

/** A client's key for DPoP. */
export interface ProofKey {
  readonly jkt: string
  readonly jwk: JWK
  readonly privateJwk: JWK
  prove(
    method: string,
    url: string,
    accessToken: string,
    now: number,
    change?: ProofChange,
  ): Promise<string>
}

export async function createProofKey(alg = 'ES256'): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    jwk,
    privateJwk: await exportJWK(privateKey),
    prove(method, url, accessToken, now, { payload, header, signer = privateKey } = {}) {
      const claims = {
        htm: method,
        htu: url,
        ath: createHash('sha256').update(accessToken).digest('base64url'),
        jti: randomUUID(),
        iat: Math.floor(now / 1000),
        ...payload,
      }
      return new SignJWT(JSON.parse(JSON.stringify(claims)))
        .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header })
        .sign(signer, { crit: { x: true } })
    },
  }
}

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
