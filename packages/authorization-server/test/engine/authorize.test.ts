import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser, type Page } from './support/browser.js'
import {
  approve,
  authorize,
  authorizeUrl,
  codeForm,
  createVerifier,
  obtainTokens,
  postToken,
  REDIRECT_URI,
  register,
} from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer
let web: string
let native: string
let app: string

beforeAll(async () => {
  server = await startServer()
  web = (await register(server, { redirect_uris: [REDIRECT_URI, 'https://app.test/other'] }))
    .client_id
  native = (
    await register(server, {
      client_name: 'Native',
      redirect_uris: ['http://127.0.0.1:3000/cb', 'http://[::1]:3000/six'],
    })
  ).client_id
  app = (await register(server, { client_name: 'App', redirect_uris: ['com.example.app:/cb'] }))
    .client_id
})
afterAll(() => server.close())

const { challenge } = createVerifier()

async function ask(
  clientId: string,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<Page> {
  return createBrowser(server.origin).open(authorizeUrl(server, clientId, challenge, parameters))
}

function expectErrorPage(page: Page): void {
  expect([page.status, page.location]).toEqual([400, undefined])
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(page.headers.get('x-frame-options')).toBe('DENY')
  expect(page.headers.get('cache-control')).toBe('no-store')
}

function expectError(page: Page, error: string): void {
  const { location } = page
  // Errors of other response types come in the fragment.
  const { hash } = location ?? { hash: '' }
  const answer = hash === '' ? location?.searchParams : new URLSearchParams(hash.slice(1))
  expect(answer?.get('error')).toBe(error)
  expect(location?.href.startsWith(REDIRECT_URI)).toBe(true)
  expect(answer?.getAll('iss')).toEqual([server.origin])
}

describe('redirect URIs', () => {
  it.each([
    ['A01', 'https://evil.test/cb'],
    ['A02', undefined],
    ['A02', ''],
    ['A02', '/callback'],
    ['A03', `${REDIRECT_URI}/`],
    ['A03', `${REDIRECT_URI}?x=1`],
    ['A03', 'https://app.test/callback/../evil'],
    ['A03', 'https://app.test.evil.test/callback'],
    ['A03', 'https://app.test@evil.test/callback'],
    ['A03', `${REDIRECT_URI}x`],
    ['A04', 'https://app.test:443/callback'],
    ['A04', 'https://APP.TEST/callback'],
    ['A04', 'HTTPS://app.test/callback'],
  ])('%s shows a page for %s', async (_, redirectUri) => {
    expectErrorPage(await ask(web, { redirect_uri: redirectUri }))
  })

  it.each(['http://127.0.0.1:3000/cb', 'http://127.0.0.1:50001/cb', 'http://[::1]:50001/six'])(
    'A06 goes on for a native app at %s',
    async (redirectUri) => {
      const page = await ask(native, { redirect_uri: redirectUri })
      expect(page.status).toBe(200)
      expect(page.html).toContain(new URL(redirectUri).host)
    },
  )

  it.each([
    'http://127.0.0.1:3000/other',
    'https://127.0.0.1:3000/cb',
    'http://127.0.0.2:3000/cb',
    'http://[::1]:3000/cb',
    'http://localhost:3000/cb',
  ])('A07 shows a page for a native app at %s', async (redirectUri) => {
    expectErrorPage(await ask(native, { redirect_uri: redirectUri }))
  })

  it('A09 goes on for an exact private scheme', async () => {
    expect((await ask(app, { redirect_uri: 'com.example.app:/cb' })).status).toBe(200)
    expectErrorPage(await ask(app, { redirect_uri: 'com.example.app:/cb2' }))
  })

  it.each([
    ['scope', { scope: 'a"b' }],
    ['response_type', { response_type: 'token' }],
    ['PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['prompt', { prompt: 'none' }],
    ['resource', { resource: 'https://other.test' }],
  ])('A11 shows a page for a bad redirect URI together with a bad %s', async (_, parameters) => {
    expectErrorPage(await ask(web, { redirect_uri: 'https://evil.test/cb', ...parameters }))
  })

  it('A13 shows a page for a client id or redirect URI that comes twice', async () => {
    const url = authorizeUrl(server, web, challenge)
    const evil = encodeURIComponent('https://evil.test/cb')
    for (const twice of [
      `${url}&redirect_uri=${evil}`,
      url.replace('?', `?redirect_uri=${evil}&`),
      `${url}&client_id=${native}`,
    ]) {
      expectErrorPage(await createBrowser(server.origin).open(twice))
    }
  })
})

describe('the authorization request', () => {
  it.each([
    ['A14 no challenge', { code_challenge: undefined }, 'invalid_request'],
    ['A14 plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['A14 no method', { code_challenge_method: undefined }, 'invalid_request'],
    ['A18 a quote in scope', { scope: 'coda.read "x' }, 'invalid_scope'],
    ['A18 a long scope', { scope: `coda.read ${'a'.repeat(4100)}` }, 'invalid_scope'],
    ['A19 another host', { resource: 'https://other.test/mcp' }, 'invalid_target'],
    ['A19 a relative resource', { resource: '/mcp' }, 'invalid_target'],
    ['A21 token', { response_type: 'token' }, 'unsupported_response_type'],
    ['A21 code token', { response_type: 'code token' }, 'unsupported_response_type'],
    ['A21 none', { response_type: 'none' }, 'unsupported_response_type'],
    ['A21 no response type', { response_type: undefined }, 'invalid_request'],
    ['A64 no session', { prompt: 'none' }, 'login_required'],
  ])('%s is an error at the client', async (_, parameters, error) => {
    expectError(await ask(web, parameters), error)
  })

  it('takes every response mode that the metadata names, and no other', async () => {
    const path = '/.well-known/oauth-authorization-server'
    const metadata = (await (await fetch(server.origin + path)).json()) as {
      readonly response_modes_supported: readonly string[]
    }
    expect(metadata.response_modes_supported.length).toBeGreaterThan(0)
    for (const mode of metadata.response_modes_supported) {
      expect((await ask(web, { response_mode: mode })).status, mode).toBe(200)
    }
    for (const mode of ['form_post', 'web_message', 'Query', '']) {
      expectErrorPage(await ask(web, { response_mode: mode }))
    }
  })

  it('A19 refuses a sibling path and a fragment of the resource', async () => {
    for (const resource of [`${server.resource}2`, `${server.resource}#a`]) {
      expectError(await ask(web, { resource }), 'invalid_target')
    }
  })

  it('A24 refuses a long state, and A25 says who refuses', async () => {
    const page = await ask(web, { state: 's'.repeat(4097) })
    expectError(page, 'invalid_request')
    expect(page.location?.searchParams.has('state')).toBe(false)
  })

  it.each(['<script>', 'a\r\nb', '😀', 's'.repeat(4096), undefined])(
    'A24 A25 gives state back as it came (%#), and iss once',
    async (state) => {
      const browser = createBrowser(server.origin)
      const url = authorizeUrl(server, web, challenge, { state })
      const { location } = await approve(await browser.open(url))
      expect(location?.searchParams.get('state')).toBe(state ?? null)
      expect(location?.searchParams.getAll('iss')).toEqual([server.origin])
    },
  )

  it('A26 lets the values of the server win over those of the redirect URI', async () => {
    const redirectUri = 'https://app.test/cb?iss=evil&code=x&state=y'
    const { client_id: id } = await register(server, { redirect_uris: [redirectUri] })
    const browser = createBrowser(server.origin)
    const url = authorizeUrl(server, id, challenge, { redirect_uri: redirectUri })
    const { location } = await approve(await browser.open(url))
    expect(location?.searchParams.getAll('iss')).toEqual([server.origin])
    expect(location?.searchParams.getAll('state')).toEqual(['some-state'])
    expect(location?.searchParams.getAll('code')).toHaveLength(1)
    expect(location?.searchParams.get('code')).not.toBe('x')
  })

  it('A18 drops unknown scopes and gives the defaults when none is left', async () => {
    const some = await obtainTokens(server, {
      parameters: { scope: 'coda.read unknown offline_access openid email profile' },
    })
    expect(some.tokens.scope).toBe('coda.read')
    const none = await obtainTokens(server, { parameters: { scope: 'openid  email ' } })
    expect(none.tokens.scope).toBe('coda.read coda.write')
    expect(none.tokens.id_token).toBeTypeOf('string')
    const absent = await obtainTokens(server, {
      parameters: { scope: undefined, resource: undefined },
    })
    expect(absent.tokens.scope).toBe('coda.read coda.write')
  })

  it('A20 takes other spellings of the resource and issues the configured one', async () => {
    const { tokens } = await obtainTokens(server, {
      parameters: { resource: `${server.resource.replace('http:', 'HTTP:')}/` },
    })
    const [, payload = ''] = tokens.access_token.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).aud).toBe(server.resource)
  })

  it('A15 gives no token for a code without a challenge, whatever the verifier', async () => {
    const page = await ask(web, { code_challenge: undefined, code_challenge_method: undefined })
    expect(page.location?.searchParams.has('code')).toBe(false)
  })

  it('takes a nonce without openid, which some clients send', async () => {
    expect((await ask(web, { nonce: 'n', scope: 'coda.read' })).status).toBe(200)
  })

  it('A64 asks for nothing when a session and a grant are there', async () => {
    const { browser } = await authorize(server, web)
    const silent = authorizeUrl(server, web, challenge, { prompt: 'none' })
    const page = await browser.open(silent)
    expect(page.location?.searchParams.get('code')).toBeTypeOf('string')
    const { client_id: other } = await register(server, { client_name: 'Unapproved' })
    const refused = await browser.open(authorizeUrl(server, other, challenge, { prompt: 'none' }))
    expectError(refused, 'consent_required')
  })
})

describe('what the engine would get wrong', () => {
  it('trap 10: names its own origin whatever the request says', async () => {
    const response = await fetch(`${server.origin}/.well-known/oauth-authorization-server`, {
      headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' },
    })
    expect(await response.text()).not.toContain('evil.test')
    const page = await createBrowser(server.origin).request(
      authorizeUrl(server, web, challenge, {}),
      { headers: { 'x-forwarded-host': 'evil.test' } },
    )
    expect(page.headers.get('location')).not.toContain('evil.test')
  })

  it('trap 12: lets browsers call the endpoints of programs from anywhere, without cookies', async () => {
    for (const path of ['register', 'token', 'revoke', 'introspect', 'userinfo']) {
      const preflight = await fetch(`${server.origin}/oauth/${path}`, {
        method: 'OPTIONS',
        headers: { origin: 'https://inspector.test', 'access-control-request-method': 'POST' },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
      expect(preflight.headers.has('access-control-allow-credentials')).toBe(false)
    }
    const { client_id: id } = await register(server)
    const authorization = await authorize(server, id)
    const form = codeForm(id, authorization)
    const answer = await postToken(server, form, { origin: 'https://inspector.test' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('trap 15: asks for a new sign-in when the account is gone', async () => {
    const { browser } = await authorize(server, web, { subject: 'bob' })
    const [bob] = [...server.storage.state.users.values()].filter(({ name }) => name === 'Bob')
    await server.storage.users.setStatus(bob?.userId ?? '', 'suspended')
    const page = await browser.open(authorizeUrl(server, web, challenge))
    expect(page.html).toContain('/login/dev')
    const denied = await page.submit('/login/dev', { subject: 'bob' })
    expect(denied.status).toBe(403)
    await server.storage.users.setStatus(bob?.userId ?? '', 'active')
  })

  it('trap 16: lets another person sign in over a session', async () => {
    const { browser } = await authorize(server, web, { subject: 'ann' })
    const { client_id: other } = await register(server, { client_name: 'Second' })
    const consent = await browser.open(authorizeUrl(server, other, challenge))
    const signIn = await consent.submit('/switch')
    const again = await signIn.submit('/login/dev', { subject: 'bob' })
    expect(again.html).toContain('bob@example.com')
    const done = await again.submit('/consent')
    expect(done.location?.searchParams.get('code')).toBeTypeOf('string')
  })

  it('hands on every path that is not its own', async () => {
    for (const path of ['/', '/oauth', '/oauth/token/', '/OAUTH/TOKEN', '/oauth/session/end']) {
      expect(await (await fetch(server.origin + path)).json()).toEqual({ error: 'not_found' })
    }
  })
})
