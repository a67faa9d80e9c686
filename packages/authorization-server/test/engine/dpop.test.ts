import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createProofKey, type ProofKey } from '../../../mcp-auth-middleware/test/dpop/proof-key.js'
import { createBrowser } from './support/browser.js'
import {
  approve,
  authorize,
  callMcp,
  codeForm,
  postToken,
  REDIRECT_URI,
  register,
  type Tokens,
} from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer
let key: ProofKey
let other: ProofKey
let tokenUrl: string
let userinfoUrl: string

beforeAll(async () => {
  server = await startServer({ dpop: true })
  tokenUrl = `${server.origin}/oauth/token`
  userinfoUrl = `${server.origin}/oauth/userinfo`
  other = await createProofKey()
})
afterAll(() => server.close())
beforeEach(async () => {
  key = await createProofKey()
})

const IDENTITY = { scope: 'openid email coda.read' }

async function exchange(
  proof: string | undefined,
  options: { clientId?: string; parameters?: Record<string, string>; secret?: string } = {},
) {
  const clientId = options.clientId ?? (await register(server)).client_id
  const { parameters = IDENTITY, secret } = options
  const form = codeForm(clientId, await authorize(server, clientId, { parameters }))
  const answer = await postToken(
    server,
    secret === undefined ? form : { ...form, client_secret: secret },
    proof === undefined ? {} : { dpop: proof },
  )
  return { ...answer, clientId, form, tokens: answer.body as Tokens }
}

const refreshWith = (
  clientId: string,
  token: unknown,
  proof: string | undefined,
  extra: Record<string, string> = {},
) =>
  postToken(
    server,
    {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: String(token),
      ...extra,
    },
    proof === undefined ? {} : { dpop: proof },
  )

const prove = (by: ProofKey = key) => by.prove('POST', tokenUrl)

async function userinfo(headers: Record<string, string>, method = 'GET') {
  const response = await fetch(userinfoUrl, { method, headers })
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    body: await response.json(),
  }
}

describe('tokens bound to a key (RFC 9449)', () => {
  it('are issued for a proof, are of type DPoP, and name the key', async () => {
    expect(server.as.metadata.dpop_signing_alg_values_supported).toContain('ES256')
    const { status, tokens } = await exchange(await prove())
    expect([status, tokens.token_type]).toEqual([200, 'DPoP'])
    expect(decodeJwt(tokens.access_token).cnf).toEqual({ jkt: key.jkt })
  })

  it('are Bearer tokens without a proof', async () => {
    const { tokens } = await exchange(undefined)
    expect(tokens.token_type).toBe('Bearer')
    expect(decodeJwt(tokens.access_token)).not.toHaveProperty('cnf')
    expect(await callMcp(server, tokens.access_token)).toBe(200)
  })

  it('T27 are refused as Bearer by the resource server', async () => {
    const { tokens } = await exchange(await prove())
    expect(await callMcp(server, tokens.access_token)).toBe(401)
  })

  it.each<[string, (url: string) => Promise<string>]>([
    ['for another URL', (url) => key.prove('POST', `${url}/`)],
    ['for the resource', () => key.prove('POST', server.resource)],
    ['for another method', (url) => key.prove('GET', url)],
    ['from before', (url) => key.prove('POST', url, { payload: { iat: Date.now() / 1000 - 400 } })],
    ['from later', (url) => key.prove('POST', url, { payload: { iat: Date.now() / 1000 + 400 } })],
    ['without a time', (url) => key.prove('POST', url, { payload: { iat: undefined } })],
    ['without an id', (url) => key.prove('POST', url, { payload: { jti: undefined } })],
    ['of another type', (url) => key.prove('POST', url, { header: { typ: 'JWT' } })],
    [
      'with the private key in it',
      (url) => key.prove('POST', url, { header: { jwk: key.privateJwk } }),
    ],
    ['signed by another key', (url) => key.prove('POST', url, { header: { jwk: other.jwk } })],
    [
      'with a symmetric key in it',
      (url) =>
        key.prove('POST', url, {
          header: {
            alg: 'HS256',
            jwk: { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXM' },
          },
          signer: new TextEncoder().encode('secret-secret-secret-secret-s'),
        }),
    ],
    ['twice in one request', async (url) => `${await key.prove('POST', url)}, ${await prove()}`],
  ])('are not issued for a proof %s, and the code stays good', async (_, make) => {
    const refused = await exchange(await make(tokenUrl))
    expect(refused.status).toBe(400)
    expect(refused.body.error).toBe('invalid_dpop_proof')
    expect((await postToken(server, refused.form, { dpop: await prove() })).status).toBe(200)
  })

  it('are not issued twice for one proof', async () => {
    const proof = await prove()
    const first = await exchange(proof)
    expect(first.status).toBe(200)
    const again = await exchange(proof, { clientId: first.clientId })
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
  })

  it('bind the code where the request for it names the key', async () => {
    const parameters = { ...IDENTITY, dpop_jkt: key.jkt }
    expect((await exchange(await prove(), { parameters })).status).toBe(200)
    for (const proof of [undefined, await prove(other)]) {
      const { status, body } = await exchange(proof, { parameters })
      expect([status, body.error]).toEqual([400, 'invalid_grant'])
    }
  })
})

describe('refresh tokens of public clients', () => {
  it('work with the same key only', async () => {
    const { clientId, tokens } = await exchange(await prove())
    for (const proof of [undefined, await prove(other)]) {
      const { status, body } = await refreshWith(clientId, tokens.refresh_token, proof)
      expect([status, body.error]).toEqual([400, 'invalid_grant'])
    }
    const { status, body } = await refreshWith(clientId, tokens.refresh_token, await prove())
    expect([status, body.token_type]).toEqual([200, 'DPoP'])
    expect(decodeJwt(String(body.access_token)).cnf).toEqual({ jkt: key.jkt })
  })

  it('E05 are answered again within 120 s for the same key, and end nothing for another', async () => {
    const { clientId, tokens } = await exchange(await prove())
    const first = await refreshWith(clientId, tokens.refresh_token, await prove())
    const again = await refreshWith(clientId, tokens.refresh_token, await prove())
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(first.body.refresh_token)
    for (const proof of [undefined, await prove(other)]) {
      const { status } = await refreshWith(clientId, tokens.refresh_token, proof)
      expect(status).toBe(400)
    }
    const next = await refreshWith(clientId, first.body.refresh_token, await prove())
    expect(next.status).toBe(200)
  })
})

describe('refresh tokens of clients with a secret', () => {
  it('may change the key, but a repeated answer is for its own key only', async () => {
    const client = await register(server, { token_endpoint_auth_method: 'client_secret_post' })
    const { client_id: clientId, client_secret: secret = '' } = client
    const { tokens } = await exchange(await prove(), { clientId, secret })
    const extra = { client_secret: secret }
    const moved = await refreshWith(clientId, tokens.refresh_token, await prove(other), extra)
    expect(decodeJwt(String(moved.body.access_token)).cnf).toEqual({ jkt: other.jkt })

    // The engine keeps this refresh token for most of its life, so it is spent here by hand.
    const records = server.storage.records('RefreshToken')
    const spent = await records.find(tokens.refresh_token)
    if (spent !== undefined && spent.consumed === undefined) {
      await records.consume(tokens.refresh_token)
    }
    const wrong = await refreshWith(clientId, tokens.refresh_token, await prove(), extra)
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_grant'])
  })
})

describe('introspection', () => {
  it('shows the key and the type', async () => {
    const client = await register(server, { token_endpoint_auth_method: 'client_secret_post' })
    const { client_id: clientId, client_secret: secret = '' } = client
    const { tokens } = await exchange(await prove(), { clientId, secret })
    const response = await fetch(`${server.origin}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: clientId,
        client_secret: secret,
        token: tokens.access_token,
      }),
    })
    expect(await response.json()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: key.jkt },
    })
  })
})

describe('userinfo', () => {
  let token: string
  beforeEach(async () => {
    token = (await exchange(await prove())).tokens.access_token
  })

  const ask = async (proof: string | undefined, scheme = 'DPoP', method = 'GET') =>
    userinfo(
      { authorization: `${scheme} ${token}`, ...(proof === undefined ? {} : { dpop: proof }) },
      method,
    )

  it('takes the token with its proof, once', async () => {
    const proof = await key.prove('GET', userinfoUrl, { accessToken: token })
    const first = await ask(proof)
    expect([first.status, first.body.email]).toEqual([200, 'ann@example.com'])
    const again = await ask(proof)
    expect([again.status, again.body.error]).toEqual([401, 'invalid_dpop_proof'])
    const post = await key.prove('POST', userinfoUrl, { accessToken: token })
    expect((await ask(post, 'dpop', 'POST')).status).toBe(200)
    const query = await key.prove('GET', `${userinfoUrl}?x=1#y`, { accessToken: token })
    expect((await ask(query)).status).toBe(200)
  })

  it.each<[string, () => Promise<string | undefined>]>([
    ['none', async () => undefined],
    ['of another key', () => other.prove('GET', userinfoUrl, { accessToken: token })],
    ['for another token', () => key.prove('GET', userinfoUrl, { accessToken: `${token}x` })],
    ['for no token', () => key.prove('GET', userinfoUrl)],
    ['for another method', () => key.prove('POST', userinfoUrl, { accessToken: token })],
    ['for another URL', () => key.prove('GET', tokenUrl, { accessToken: token })],
    ['for no URL', () => key.prove('GET', 'userinfo', { accessToken: token })],
    [
      'from 61 s ago',
      () =>
        key.prove('GET', userinfoUrl, {
          accessToken: token,
          payload: { iat: Math.floor(Date.now() / 1000) - 61 },
        }),
    ],
    [
      'from 61 s later',
      () =>
        key.prove('GET', userinfoUrl, {
          accessToken: token,
          payload: { iat: Math.floor(Date.now() / 1000) + 61 },
        }),
    ],
    [
      'of another type',
      () => key.prove('GET', userinfoUrl, { accessToken: token, header: { typ: 'jwt' } }),
    ],
    [
      'with a private key',
      () => key.prove('GET', userinfoUrl, { accessToken: token, header: { jwk: key.privateJwk } }),
    ],
    [
      'without an id',
      () => key.prove('GET', userinfoUrl, { accessToken: token, payload: { jti: undefined } }),
    ],
    [
      'that is too long',
      () =>
        key.prove('GET', userinfoUrl, { accessToken: token, payload: { pad: 'x'.repeat(8192) } }),
    ],
    ['that is none', async () => 'eyJ.eyJ.sig'],
  ])('refuses the token with a proof %s', async (_, make) => {
    const { status, body, challenge } = await ask(await make())
    expect([status, body.error]).toEqual([401, 'invalid_dpop_proof'])
    expect(challenge).toMatch(/^DPoP error="invalid_dpop_proof", algs="ES256 [^"]*"$/)
  })

  it.each([9, -59])('takes a proof that is %d s off', async (seconds) => {
    const iat = Math.floor(Date.now() / 1000) + seconds
    const proof = await key.prove('GET', userinfoUrl, { accessToken: token, payload: { iat } })
    expect((await ask(proof)).status).toBe(200)
  })

  it('refuses the token as Bearer, and a Bearer token as DPoP', async () => {
    const proof = await key.prove('GET', userinfoUrl, { accessToken: token })
    const asBearer = await ask(proof, 'Bearer')
    expect([asBearer.status, asBearer.body.error]).toEqual([401, 'invalid_token'])
    token = (await exchange(undefined)).tokens.access_token
    expect((await ask(undefined, 'Bearer')).status).toBe(200)
    const asDpop = await ask(await key.prove('GET', userinfoUrl, { accessToken: token }))
    expect([asDpop.status, asDpop.body.error]).toEqual([401, 'invalid_token'])
  })

  it('offers both ways to a request without a token', async () => {
    const { challenge } = await userinfo({})
    expect(challenge).toMatch(/^Bearer, DPoP algs="/)
  })
})

describe('without the option', () => {
  it('ignores proofs, and offers none', async () => {
    const own = await startServer()
    try {
      expect(own.as.metadata).not.toHaveProperty('dpop_signing_alg_values_supported')
      const { client_id: id } = await register(own)
      const form = codeForm(id, await authorize(own, id, { parameters: IDENTITY }))
      const { body } = await postToken(own, form, { dpop: 'not a proof' })
      expect(body.token_type).toBe('Bearer')
      const response = await fetch(`${own.origin}/oauth/userinfo`, {
        headers: { authorization: `DPoP ${body.access_token}`, dpop: 'x' },
      })
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    } finally {
      await own.close()
    }
  })
})

describe('oauth4webapi', () => {
  it('gets and refreshes bound tokens', async () => {
    const http = { [oauth.allowInsecureRequests]: true } as const
    const issuer = new URL(server.origin)
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }),
    )
    const client: oauth.Client = { client_id: (await register(server)).client_id }
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const verifier = oauth.generateRandomCodeVerifier()
    const url = new URL(as.authorization_endpoint ?? '')
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: REDIRECT_URI,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      dpop_jkt: await DPoP.calculateThumbprint(),
    }).toString()
    const done = await approve(await createBrowser(server.origin).open(url.href))
    if (done.location === undefined) throw new Error(done.html)
    const parameters = oauth.validateAuthResponse(as, client, done.location, oauth.expectNoState)
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(
        as,
        client,
        oauth.None(),
        parameters,
        REDIRECT_URI,
        verifier,
        { DPoP, ...http },
      ),
    )
    expect(tokens.token_type).toBe('dpop')
    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token ?? '', {
        DPoP,
        ...http,
      }),
    )
    expect(refreshed.token_type).toBe('dpop')
  })
})
