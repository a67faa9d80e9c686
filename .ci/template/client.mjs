import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'

const redirectUrl = 'http://127.0.0.1:7777/callback'

/** What an OAuth client remembers. `visit` is the person in front of it: from the page to the redirect. */
function createMemory(visit) {
  const saved = {}
  let answer
  return {
    redirectUrl,
    clientMetadata: {
      client_name: 'Check of the template',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => saved.client,
    saveClientInformation: (client) => {
      saved.client = client
    },
    tokens: () => saved.tokens,
    saveTokens: (tokens) => {
      saved.tokens = tokens
    },
    saveDiscoveryState: (discovery) => {
      saved.discovery = discovery
    },
    discoveryState: () => saved.discovery,
    saveCodeVerifier: (verifier) => {
      saved.verifier = verifier
    },
    codeVerifier: () => saved.verifier,
    redirectToAuthorization: async (page) => {
      answer = (await visit(page)).searchParams
    },
    answer: () => answer,
  }
}

async function connect(url, options) {
  const client = new Client({ name: 'check-template', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(url), options)
  return { client, transport, connected: client.connect(transport) }
}

/** Connects a client that has nothing but the URL: it is refused, signs in and comes back. */
export async function signIn(url, visit) {
  const authProvider = createMemory(visit)
  const first = await connect(url, { authProvider })
  const refusal = await first.connected.then(
    () => undefined,
    (error) => error,
  )
  if (!(refusal instanceof UnauthorizedError)) {
    throw new Error('the client was not sent to sign in', { cause: refusal })
  }
  const answer = authProvider.answer()
  await first.transport.finishAuth(answer.get('code') ?? '', answer.get('iss') ?? '')
  const { client, connected } = await connect(url, { authProvider })
  await connected
  return client
}

/** Connects a client that was given a credential. */
export async function connectWith(url, headers) {
  const { client, connected } = await connect(url, { requestInit: { headers } })
  await connected
  return client
}
