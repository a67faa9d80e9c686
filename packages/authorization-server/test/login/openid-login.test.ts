import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { oidc } from '../../src/login/oidc.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from './support/openid-provider.js'
import { CALLBACK, signIn } from './support/sign-in.js'

let provider: OpenidProvider

beforeEach(async () => {
  provider = await startOpenidProvider()
  provider.claims = { email: 'Ann@Example.com', email_verified: true, name: 'Ann' }
})

afterEach(() => provider.close())

function login(options: Partial<Parameters<typeof oidc>[0]> = {}) {
  return oidc({
    id: 'company',
    label: 'Company login',
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    ...options,
  })
}

describe('a login by redirect', () => {
  it('sends the browser away with PKCE S256, a state and a nonce, and keeps what the answer needs', async () => {
    const { url, state } = await login().start(CALLBACK)

    expect(url.origin + url.pathname).toBe(`${provider.url}/authorize`)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: CLIENT_ID,
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'openid email profile',
      state: state.state,
      nonce: state.nonce,
      code_challenge_method: 'S256',
    })
    expect(url.href).not.toContain(state.codeVerifier)
    expect(url.href).not.toContain(encodeURIComponent(CLIENT_SECRET))
    for (const value of [state.state, state.nonce, state.codeVerifier]) {
      expect(value).toMatch(/^[\w-]{43}$/)
    }
  })

  it('uses a new state, nonce and verifier each time', async () => {
    const company = login()
    const states = await Promise.all([company.start(CALLBACK), company.start(CALLBACK)])
    const values = states.flatMap(({ state }) => [state.state, state.nonce, state.codeVerifier])

    expect(new Set(values).size).toBe(6)
  })

  it('names the person by the ID token and gives back a verified address', async () => {
    await expect(signIn(login(), provider)).resolves.toEqual({
      kind: 'identity',
      identity: {
        provider: 'company',
        issuer: provider.issuer,
        subject: 'subject-1',
        email: 'ann@example.com',
        name: 'Ann',
        picture: undefined,
      },
    })
  })

  it.each([
    ['basic when nothing is said', undefined, true],
    ['basic', ['client_secret_basic'], true],
    ['post', ['client_secret_post'], false],
    ['post when both are offered', ['client_secret_basic', 'client_secret_post'], false],
  ])('names itself at the token endpoint with %s', async (_name, methods, isBasic) => {
    await provider.close()
    const metadata = { token_endpoint_auth_methods_supported: methods }
    provider = await startOpenidProvider({ metadata })

    await expect(signIn(login(), provider)).resolves.toMatchObject({ kind: 'identity' })

    const [{ authorization, form } = { authorization: '', form: new URLSearchParams() }] =
      provider.tokenRequests
    expect(authorization?.startsWith('Basic ') ?? false).toBe(isBasic)
    expect(form.get('client_secret')).toBe(isBasic ? null : CLIENT_SECRET)
  })

  it('asks for the key set once in several sign-ins', async () => {
    const company = login()
    await signIn(company, provider)
    await signIn(company, provider)

    expect(provider.requests).toEqual(['metadata', 'token', 'jwks', 'token'])
  })

  it('uses configured endpoints in place of the published ones', async () => {
    const company = login({
      authorizationEndpoint: `${provider.url}/moved/authorize`,
      tokenEndpoint: `${provider.url}/moved/token`,
    })
    const { url } = await company.start(CALLBACK)

    expect(url.pathname).toBe('/moved/authorize')
    await expect(signIn(company, provider)).resolves.toMatchObject({ kind: 'identity' })
  })
})

describe('the answer of the browser', () => {
  it.each([
    ['missing', (url: URL) => url.searchParams.delete('state')],
    ['wrong', (url: URL) => url.searchParams.set('state', 'x'.repeat(43))],
    [
      'cut',
      (url: URL) => url.searchParams.set('state', (url.searchParams.get('state') ?? '').slice(1)),
    ],
    [
      'given twice',
      (url: URL) => url.searchParams.append('state', url.searchParams.get('state') ?? ''),
    ],
    ['empty', (url: URL) => url.searchParams.set('state', '')],
  ])('A45 is refused without asking the upstream when the state is %s', async (_name, change) => {
    const company = login()
    const { url, state } = await company.start(CALLBACK)
    const callback = provider.authorize(url)
    change(callback)

    await expect(company.finish(callback, state)).resolves.toEqual({
      kind: 'invalid',
      reason: 'state',
    })
    expect(provider.requests).toEqual(['metadata'])
  })

  it('A45 is refused when the state belongs to another login', async () => {
    const company = login()
    const { url, state } = await company.start(CALLBACK)

    await expect(
      company.finish(provider.authorize(url), { ...state, provider: 'google' }),
    ).resolves.toEqual({ kind: 'invalid', reason: 'other_provider' })
  })

  it('A45 is refused the second time, when the code was used', async () => {
    const company = login()
    const { url, state } = await company.start(CALLBACK)
    const callback = provider.authorize(url)

    await expect(company.finish(callback, state)).resolves.toMatchObject({ kind: 'identity' })
    await expect(company.finish(callback, state)).resolves.toEqual({
      kind: 'invalid',
      reason: 'code_refused',
    })
  })

  it('is refused when the code was made for another sign-in of the same login', async () => {
    const company = login()
    const mine = await company.start(CALLBACK)
    const theirs = await company.start(CALLBACK)
    const stolen = provider.authorize(theirs.url, { state: mine.state.state })

    await expect(company.finish(stolen, mine.state)).resolves.toEqual({
      kind: 'invalid',
      reason: 'code_refused',
    })
  })

  it.each([
    ['has no code', { code: '' }],
    ['has an answer in a token', { response: 'a.b.c' }],
    ['has tokens of the implicit flow', { id_token: 'a.b.c' }],
  ])('is refused when it %s', async (_name, answer) => {
    await expect(signIn(login(), provider, answer)).resolves.toMatchObject({ kind: 'invalid' })
    expect(provider.tokenRequests).toEqual([])
  })

  it('is refused when it is over 16 KiB', async () => {
    const answer = { code: 'x'.repeat(16 * 1024) }

    await expect(signIn(login(), provider, answer)).resolves.toEqual({
      kind: 'invalid',
      reason: 'answer_too_long',
    })
    expect(provider.tokenRequests).toEqual([])
  })

  it.each([
    ['access_denied', { kind: 'denied', reason: 'access_denied' }],
    ['login_required', { kind: 'denied', reason: 'login_required' }],
    ['temporarily_unavailable', { kind: 'unavailable', reason: 'upstream_error' }],
    ['server_error', { kind: 'unavailable', reason: 'upstream_error' }],
    ['unauthorized_client', { kind: 'unavailable', reason: 'client_refused' }],
    ['invalid_scope', { kind: 'invalid', reason: 'authorization_refused' }],
    ['__proto__', { kind: 'invalid', reason: 'authorization_refused' }],
    ['<script>', { kind: 'invalid', reason: 'authorization_refused' }],
  ])('A47 error=%s copies no text of the upstream', async (error, expected) => {
    const answer = { error, error_description: '<script>canary</script>' }

    await expect(signIn(login(), provider, answer)).resolves.toEqual(expected)
    expect(provider.tokenRequests).toEqual([])
  })

  it('A47 an error with a wrong state is no refusal by the person', async () => {
    const answer = { error: 'access_denied', state: 'wrong' }

    await expect(signIn(login(), provider, answer)).resolves.toMatchObject({ kind: 'invalid' })
  })

  // RFC 9207 section 2.4
  it.each([
    ['announced and right', true, {}, 'identity'],
    ['announced and missing', true, undefined, 'invalid'],
    ['announced and another', true, { iss: 'https://other.example' }, 'invalid'],
    ['not announced and missing', false, undefined, 'identity'],
    ['not announced and another', false, { iss: 'https://other.example' }, 'invalid'],
  ])('compares the issuer of the answer: %s', async (_name, announced, answer, kind) => {
    await provider.close()
    const metadata = { authorization_response_iss_parameter_supported: announced }
    provider = await startOpenidProvider({ metadata })
    const full = answer === undefined ? {} : { iss: provider.issuer, ...answer }

    await expect(signIn(login(), provider, full)).resolves.toMatchObject({ kind })
  })
})
