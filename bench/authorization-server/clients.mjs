/*
 * A client of each server, with a person who signs in and approves in a browser of their own. Every
 * server is asked for the same: a public client, PKCE, two scopes of one resource, no id_token.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createBrowser } from './browser.mjs'
import { CONFIDENTIAL_SECRET } from './confidential-client.mjs'

const REDIRECT_URI = 'https://app.test/callback'
const SCOPE = 'coda.read coda.write'

/** Registers by RFC 7591, and returns the id with the secret of a confidential client. */
async function register(send, url, isConfidential) {
  const response = await send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Bench',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: isConfidential ? 'client_secret_basic' : 'none',
      scope: SCOPE,
    }),
  })
  const { client_id: id, client_secret: secret } = await response.json()
  if (id === undefined) throw new Error(`${url} registered no client: ${response.status}`)
  return { id, secret }
}

/** What differs: paths, registration, and how the pages are answered. */
const KINDS = {
  floor: {
    authorize: '/authorize',
    token: '/token',
    introspect: '/introspect',
    register: async () => ({ id: 'bench' }),
  },
  ours: {
    authorize: '/oauth/authorize',
    token: '/oauth/token',
    introspect: '/oauth/introspect',
    register: ({ origin }, isConfidential) =>
      register(fetch, `${origin}/oauth/register`, isConfidential),
    async approve(browser, page) {
      const signedIn = page.html.includes('/login/dev')
        ? await browser.submit(page, '/login/dev', { subject: 'ann' })
        : page
      return signedIn.html.includes('/consent') ? browser.submit(signedIn, '/consent') : signedIn
    },
  },
  'oidc-provider': {
    authorize: '/auth',
    token: '/token',
    introspect: '/token/introspection',
    register: async (_server, isConfidential) =>
      isConfidential ? { id: 'bench-confidential', secret: CONFIDENTIAL_SECRET } : { id: 'bench' },
    async approve(browser, page) {
      let current = page
      // Its own pages: a form to sign in, then one to consent.
      while (current.url.includes('/interaction/')) {
        const [, uid] = /\/interaction\/([\w-]+)/.exec(current.url)
        current = await browser.submit(current, uid, { login: 'ann', password: 'secret' })
      }
      return current
    },
  },
  'better-auth': {
    authorize: '/api/auth/oauth2/authorize',
    token: '/api/auth/oauth2/token',
    introspect: '/api/auth/oauth2/introspect',
    scope: `${SCOPE} offline_access`,
    // Only somebody who is signed in may register a client with a secret.
    async register({ origin }, isConfidential) {
      const browser = createBrowser(origin)
      if (isConfidential) await this.signIn(browser)
      const send = isConfidential ? browser.request : fetch
      return register(send, `${origin}/api/auth/oauth2/register`, isConfidential)
    },
    async signIn(browser) {
      const body = { email: `${randomBytes(6).toString('hex')}@example.com`, name: 'Ann' }
      await browser.request('/api/auth/sign-up/email', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, password: randomBytes(12).toString('hex') }),
      })
    },
    async approve(browser, page) {
      // Whoever asks by `fetch` is told in JSON where to go.
      const { url } = JSON.parse(page.html)
      if (!url.startsWith('/consent')) return { url }
      const response = await browser.request('/api/auth/oauth2/consent', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ accept: true, oauth_query: url.slice(url.indexOf('?') + 1) }),
      })
      return response.json()
    },
  },
}

/** Registers a client and returns what it can do. */
export async function createClient(server, { isConfidential = false } = {}) {
  const kind = KINDS[server.kind ?? server.name]
  const { origin } = server
  const resource = server.resource ?? `${origin}/mcp`
  const { id: clientId, secret } = await kind.register(server, isConfidential)

  function authorizeUrl(verifier = randomBytes(32).toString('base64url')) {
    const url = new URL(kind.authorize, origin)
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: REDIRECT_URI,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: 'bench',
      resource,
      scope: kind.scope ?? SCOPE,
    }).toString()
    return url
  }

  /** The form that redeems a new code. A browser that was used before is signed in. */
  async function authorize(browser) {
    const verifier = randomBytes(32).toString('base64url')
    const url = authorizeUrl(verifier)
    const opened = await browser.open(url.href)
    const done = opened.url.startsWith(REDIRECT_URI) ? opened : await kind.approve(browser, opened)
    const code = new URL(done.url).searchParams.get('code')
    if (code === null) throw new Error(`${server.name} gave no code: ${done.url}`)
    return {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      code_verifier: verifier,
      redirect_uri: REDIRECT_URI,
      resource,
    }
  }

  return {
    tokenUrl: `${origin}${kind.token}`,
    introspectUrl: `${origin}${kind.introspect}`,
    /** How a confidential client proves who it is. */
    headers:
      secret === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
    authorizeUrl,
    authorize,
    async signIn() {
      const browser = createBrowser(origin)
      await kind.signIn?.(browser)
      await authorize(browser)
      return browser
    },
    refreshForm: (token) => ({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: token,
      resource,
    }),
  }
}
