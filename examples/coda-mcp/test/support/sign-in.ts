import { UnauthorizedError as UnauthorizedV2 } from '@modelcontextprotocol/client'
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import { openSession, type SdkVersion, type TestSession } from './mcp.js'
import { approve, type Person } from './person.js'

const redirectUri = 'http://127.0.0.1:7777/callback'

interface Tokens {
  access_token: string
  token_type: string
  refresh_token?: string | undefined
  scope?: string | undefined
}

/** What an OAuth client remembers, in the shape of both SDK lines, and the person in front of it. */
export function createOAuthMemory(person: Person = {}) {
  let registration: never | undefined
  let tokens: Tokens | undefined
  let discovery: never | undefined
  let verifier = ''
  let answer = new URLSearchParams()
  return {
    redirectUrl: redirectUri,
    clientMetadata: {
      client_name: 'End-to-end client',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => registration,
    saveClientInformation: (saved: object): void => {
      // The SDKs get back what they saved; its type differs between the two.
      registration = saved as never
    },
    tokens: () => tokens as never,
    saveTokens: (saved: Tokens): void => {
      tokens = saved
    },
    /** Called when the authorization server does not take them any more. */
    invalidateCredentials: (what: string): void => {
      if (what === 'tokens' || what === 'all') tokens = undefined
    },
    saveDiscoveryState: (saved: object): void => {
      discovery = saved as never
    },
    discoveryState: () => discovery,
    saveCodeVerifier: (saved: string): void => {
      verifier = saved
    },
    codeVerifier: () => verifier,
    redirectToAuthorization: async (page: URL): Promise<void> => {
      answer = (await approve(page, person)).searchParams
    },
    /** What the authorization server sent back with the browser. */
    answer: () => ({ code: answer.get('code') ?? '', iss: answer.get('iss') ?? '' }),
    currentTokens: () => tokens,
  }
}

export type OAuthMemory = ReturnType<typeof createOAuthMemory>

/** Waits until an SDK gives up a request because it has sent somebody to the sign-in page. */
async function expectSignIn(request: Promise<unknown>): Promise<void> {
  const refusal: unknown = await request.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(refusal instanceof UnauthorizedV1 || refusal instanceof UnauthorizedV2)) {
    throw new Error('the client was not sent to sign in', { cause: refusal })
  }
}

/** Connects a client that has nothing but the URL: it is refused, signs in and comes back. */
export async function signIn(
  resource: string,
  version: SdkVersion,
  person: Person = {},
): Promise<{ readonly client: TestSession; readonly memory: OAuthMemory }> {
  const memory = createOAuthMemory(person)
  const first = openSession(resource, version, { authProvider: memory })
  await expectSignIn(first.connect())
  await first.finishSignIn(memory.answer())
  const client = openSession(resource, version, { authProvider: memory })
  await client.connect()
  return { client, memory }
}
