import {
  auth as authV2,
  type OAuthClientProvider as ProviderV2,
} from '@modelcontextprotocol/client'
import { auth as authV1, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { decodeJwt } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import type { TestIssuerOptions } from '../../src/testing/issuer-options.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { type StubServer, startStubServer } from './stub-server.js'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function start(options: TestIssuerOptions): Promise<[TestIssuer, StubServer]> {
  const issuer = createTestIssuer(options)
  await issuer.listen()
  const server = await startStubServer(issuer)
  stops.push(
    () => issuer.close(),
    () => server.close(),
  )
  return [issuer, server]
}

/** What a client keeps, in the shape that both versions of the SDK take. */
function createMemory() {
  let client: never | undefined
  let tokens: { access_token: string; refresh_token?: string | undefined } | undefined
  let verifier = ''
  let destination: URL | undefined
  const provider = {
    redirectUrl: 'http://127.0.0.1:7777/callback',
    clientMetadata: {
      client_name: 'SDK client',
      redirect_uris: ['http://127.0.0.1:7777/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'state',
    clientInformation: () => client,
    saveClientInformation: (saved: object) => {
      client = saved as never
    },
    tokens: () => tokens as never,
    saveTokens: (saved: { access_token: string; refresh_token?: string | undefined }) => {
      tokens = saved
    },
    redirectToAuthorization: (url: URL) => {
      destination = url
    },
    saveCodeVerifier: (saved: string) => {
      verifier = saved
    },
    codeVerifier: () => verifier,
  }
  return {
    provider,
    current: () => tokens,
    async visit(): Promise<{ authorizationCode: string; iss: string }> {
      if (destination === undefined) throw new Error('the client did not redirect')
      const response = await fetch(destination, { redirect: 'manual' })
      const { searchParams } = new URL(response.headers.get('location') ?? '')
      expect(searchParams.get('state')).toBe('state')
      return {
        authorizationCode: searchParams.get('code') ?? '',
        iss: searchParams.get('iss') ?? '',
      }
    },
  }
}

type Run = (
  provider: ReturnType<typeof createMemory>['provider'],
  options: { serverUrl: string; authorizationCode?: string; iss?: string },
) => Promise<string>

const CLIENTS: [string, Run][] = [
  [
    'v1',
    (provider, { iss: _, ...options }) => authV1(provider satisfies OAuthClientProvider, options),
  ],
  ['v2', (provider, options) => authV2(provider satisfies ProviderV2, options)],
]

describe.each(CLIENTS)('MCP SDK %s client', (_, run) => {
  it.each(['http://127.0.0.1:0', 'http://127.0.0.1:0/tenant'])(
    'registers, authorizes, calls the resource and refreshes with the issuer %s',
    async (issuerUrl) => {
      const [issuer, { resource }] = await start({ issuer: issuerUrl })
      const memory = createMemory()

      expect(await run(memory.provider, { serverUrl: resource })).toBe('REDIRECT')
      const answer = await memory.visit()
      expect(answer.iss).toBe(issuer.issuer)
      expect(await run(memory.provider, { serverUrl: resource, ...answer })).toBe('AUTHORIZED')
      const first = memory.current()
      expect(decodeJwt(first?.access_token ?? '')).toMatchObject({
        iss: issuer.issuer,
        aud: resource,
      })
      const headers = { authorization: `Bearer ${first?.access_token}` }
      expect((await fetch(resource, { method: 'POST', headers })).status).toBe(200)

      expect(await run(memory.provider, { serverUrl: resource })).toBe('AUTHORIZED')
      expect(memory.current()?.access_token).not.toBe(first?.access_token)
      expect(memory.current()?.refresh_token).not.toBe(first?.refresh_token)
      expect(issuer.requests('register')).toBe(1)
    },
  )

  it('is refused when the issuer does not know the resource', async () => {
    const [, { resource }] = await start({ audience: 'https://other.test/mcp' })
    const memory = createMemory()
    await run(memory.provider, { serverUrl: resource })
    expect((await memory.visit()).authorizationCode).toBe('')
  })
})
