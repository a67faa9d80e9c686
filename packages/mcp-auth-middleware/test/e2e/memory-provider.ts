const REDIRECT_URI = 'http://127.0.0.1:7777/callback'

interface Tokens {
  access_token: string
  token_type: string
  refresh_token?: string | undefined
  scope?: string | undefined
}

/**
 * Memory of an OAuth client, in the shape that both SDK lines take, with a person in it: the page
 * that the client opens is visited at once, and what it answers is kept until it is taken.
 */
export function createMemoryProvider({ refreshes = true } = {}) {
  let client: never | undefined
  let tokens: Tokens | undefined
  let verifier = ''
  let discovery: never | undefined
  const visited: URL[] = []
  let answer: { code: string; iss: string } | undefined

  return {
    redirectUrl: REDIRECT_URI,
    clientMetadata: {
      client_name: 'End-to-end client',
      redirect_uris: [REDIRECT_URI],
      grant_types: refreshes ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => client,
    saveClientInformation: (saved: object) => {
      // The SDKs give back what they saved; its type differs between them.
      client = saved as never
    },
    tokens: () => tokens as never,
    saveTokens: (saved: Tokens) => {
      tokens = saved
    },
    redirectToAuthorization: async (url: URL) => {
      visited.push(url)
      const response = await fetch(url, { redirect: 'manual' })
      const location = response.headers.get('location')
      if (location === null) throw new Error(`the authorization page answered ${response.status}`)
      const { searchParams } = new URL(location)
      answer = { code: searchParams.get('code') ?? '', iss: searchParams.get('iss') ?? '' }
    },
    saveCodeVerifier: (saved: string) => {
      verifier = saved
    },
    codeVerifier: () => verifier,
    // Which issuer the page belongs to, so that the answer is not redeemed at another one.
    saveDiscoveryState: (saved: object) => {
      discovery = saved as never
    },
    discoveryState: () => discovery,

    /** Pages that a person was sent to, oldest first. */
    visited,
    currentTokens: (): Tokens | undefined => tokens,
    takeAnswer(): { code: string; iss: string } {
      if (answer === undefined) throw new Error('the client sent nobody to an authorization page')
      const taken = answer
      answer = undefined
      return taken
    },
  }
}

export type MemoryProvider = ReturnType<typeof createMemoryProvider>
