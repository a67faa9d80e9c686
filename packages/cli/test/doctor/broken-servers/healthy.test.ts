import {
  auth,
  Client,
  type OAuthClientInformation,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { expect, it, onTestFinished } from 'vitest'
import { type Layout, startSite } from './site.js'

const REDIRECT = 'http://127.0.0.1:41234/callback'

/** A client that keeps what it is given and follows the sign-in itself. */
function createProvider(documentUrl?: string) {
  let information: OAuthClientInformation | undefined
  let tokens: OAuthTokens | undefined
  let verifier = ''
  let destination: URL | undefined
  let discovery: OAuthDiscoveryState | undefined
  const provider: OAuthClientProvider = {
    redirectUrl: REDIRECT,
    clientMetadata: { client_name: 'test', redirect_uris: [REDIRECT] },
    ...(documentUrl === undefined ? {} : { clientMetadataUrl: documentUrl }),
    clientInformation: () => information,
    saveClientInformation: (value) => {
      information = value
    },
    tokens: () => tokens,
    saveTokens: (value) => {
      tokens = value
    },
    redirectToAuthorization: (url) => {
      destination = url
    },
    saveCodeVerifier: (value) => {
      verifier = value
    },
    codeVerifier: () => verifier,
    saveDiscoveryState: (value) => {
      discovery = value
    },
    discoveryState: () => discovery,
  }
  return { provider, destination: () => destination }
}

const LAYOUTS: readonly (readonly [string, Layout, string | undefined])[] = [
  ['registers', {}, undefined],
  ['registers at an issuer with a path', { issuerPath: '/tenant' }, undefined],
  ['registers at one origin', { oneOrigin: true }, undefined],
  ['has a document', {}, 'https://claude.ai/oauth/claude-code-client-metadata'],
]

// The server must be right by the judgement of others before the doctor is judged by it.
it.each(LAYOUTS)('lets a client of SDK v2 in that %s', async (_name, layout, documentUrl) => {
  const site = await startSite({}, layout)
  onTestFinished(() => site.close())
  const fetchFn: typeof fetch = (input, init) => site.fetch(input, { redirect: 'manual', ...init })
  const serverUrl = site.urls.resource
  const { provider, destination } = createProvider(documentUrl)

  expect(await auth(provider, { serverUrl, fetchFn })).toBe('REDIRECT')
  const back = await fetchFn(destination() ?? '')
  const answer = new URL(back.headers.get('location') ?? '')
  const authorizationCode = answer.searchParams.get('code') ?? ''
  const iss = answer.searchParams.get('iss') ?? ''
  expect(await auth(provider, { serverUrl, fetchFn, authorizationCode, iss })).toBe('AUTHORIZED')

  const client = new Client({ name: 'test', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(serverUrl), {
    authProvider: provider,
    fetch: fetchFn,
  })
  await client.connect(transport)
  onTestFinished(() => client.close())
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name)).toEqual(['read_note'])
})
