import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser } from './support/browser.js'
import { approve, callMcp } from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const http = { [oauth.allowInsecureRequests]: true } as const
const redirectUri = 'http://127.0.0.1:33418/callback'

describe('the whole way, by oauth4webapi', () => {
  it('discovers, registers, signs in, consents, calls a tool and refreshes', async () => {
    const issuer = new URL(server.origin)
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }),
    )
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(
        as,
        {
          client_name: 'oauth4webapi',
          redirect_uris: [redirectUri],
          grant_types: ['authorization_code', 'refresh_token'],
          token_endpoint_auth_method: 'none',
        },
        http,
      ),
    )
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(as.authorization_endpoint ?? '')
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: redirectUri,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      resource: server.resource,
    }).toString()

    const done = await approve(await createBrowser(server.origin).open(url.href))
    if (done.location === undefined) throw new Error(done.html)
    const parameters = oauth.validateAuthResponse(as, client, done.location, state)
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(
        as,
        client,
        oauth.None(),
        parameters,
        redirectUri,
        verifier,
        { additionalParameters: { resource: server.resource }, ...http },
      ),
    )
    expect(tokens.scope).toBe('coda.read coda.write')
    expect(await callMcp(server, tokens.access_token)).toBe(200)

    const claims = await oauth.validateJwtAccessToken(
      as,
      new Request(server.resource, { headers: { authorization: `Bearer ${tokens.access_token}` } }),
      server.resource,
      http,
    )
    expect(claims.client_id).toBe(client.client_id)

    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(
        as,
        client,
        oauth.None(),
        tokens.refresh_token ?? '',
        http,
      ),
    )
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
    expect(await callMcp(server, refreshed.access_token)).toBe(200)
  })
})
