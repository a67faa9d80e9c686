import { readFileSync, writeFileSync } from 'node:fs'
import { UnauthorizedError as UnauthorizedV2 } from '@modelcontextprotocol/client'
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { spawnServer } from './support/child-server.js'
import { findFreePort } from './support/free-port.js'
import { callTool, challengeOf, post } from './support/http-calls.js'
import { sdkVersions } from './support/mcp.js'
import { createDesktop } from './support/mcp-remote.js'
import { approve } from './support/person.js'
import { signIn } from './support/sign-in.js'
import { createCleanup } from './support/test-server.js'

/*
 * Clients that other people wrote, against `npm start` as it is: a process with nothing configured. Each
 * finds its way from the URL, calls a tool, refreshes, and is locked out by a revocation.
 */

// Clients of other people wait as they like.
vi.setConfig({ testTimeout: 60_000 })

const { add, run } = createCleanup()
const redirectUri = 'http://127.0.0.1:7777/callback'
const scope = 'coda.read coda.write'
let issuer: string
let resource: string

beforeAll(async () => {
  const port = await findFreePort()
  const child = add(spawnServer({ PORT: String(port) }))
  await child.listening()
  issuer = `http://localhost:${port}`
  resource = `${issuer}/mcp`
}, 120_000)
afterAll(run)

/** Status of a call of a tool, and that it answered like one. */
async function whoami(token: string): Promise<number> {
  const response = await callTool(resource, token, 'coda_whoami')
  const body = await response.text()
  if (response.status === 200) expect(body).toContain('structuredContent')
  return response.status
}

async function revoke(clientId: string, token: string): Promise<void> {
  const response = await fetch(`${issuer}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, token }),
  })
  expect(response.status).toBe(200)
}

/** What a client that has only the URL finds out first. */
async function findIssuer(): Promise<string> {
  const { resource_metadata: url = '' } = challengeOf(await post(resource, 'initialize'))
  const metadata = await (await fetch(url)).json()
  expect(metadata).toMatchObject({ resource, scopes_supported: ['coda.read', 'coda.write'] })
  return metadata.authorization_servers[0]
}

describe.each(sdkVersions)('MCP SDK %s', (version) => {
  it('signs in, calls, refreshes, and is sent to sign in again after a revocation', async () => {
    const { client, memory } = await signIn(resource, version)
    add(client)
    expect((await client.call('coda_whoami')).isError).toBe(false)
    const first = memory.currentTokens()
    expect(first).toMatchObject({ scope, refresh_token: expect.any(String) })

    // A token that is not good any more makes it use the refresh token.
    memory.saveTokens({ token_type: 'Bearer', ...first, access_token: 'not-good' })
    expect((await client.call('coda_whoami')).isError).toBe(false)
    const second = memory.currentTokens()
    expect(second?.access_token).not.toBe('not-good')
    expect(second?.refresh_token).toEqual(expect.any(String))
    expect(second?.refresh_token).not.toBe(first?.refresh_token)

    const { client_id: clientId } = memory.clientInformation() as unknown as { client_id: string }
    await revoke(clientId, second?.refresh_token ?? '')
    expect(await whoami(second?.access_token ?? '')).toBe(401)
    const refusal = await client.call('coda_whoami').catch((error: unknown) => error)
    const isSentToSignIn = refusal instanceof UnauthorizedV1 || refusal instanceof UnauthorizedV2
    expect(isSentToSignIn, String(refusal)).toBe(true)
  })
})

describe('mcp-remote', () => {
  it('signs in once, refreshes at its next start, and opens the browser after a revocation', async () => {
    const desktop = add(await createDesktop())
    const home = desktop.createHome()
    const whoamiThrough = async (): Promise<string> => {
      const client = await desktop.connect(resource, home)
      const result = await client.callTool({ name: 'coda_whoami', arguments: {} })
      await client.close()
      return JSON.stringify(result)
    }
    const readTokens = () => JSON.parse(readFileSync(desktop.tokenFile(home), 'utf8'))
    expect(await whoamiThrough()).toContain('structuredContent')
    expect(desktop.visited).toEqual(['/oauth/authorize'])

    const first = readTokens()
    writeFileSync(
      desktop.tokenFile(home),
      JSON.stringify({ ...first, access_token: 'not-good', expires_at: 1 }),
    )
    expect(await whoamiThrough()).toContain('structuredContent')
    const second = readTokens()
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(desktop.visited).toHaveLength(1)

    const { client_id: clientId } = JSON.parse(
      readFileSync(desktop.tokenFile(home).replace(/tokens\.json$/, 'client_info.json'), 'utf8'),
    )
    await revoke(clientId, second.refresh_token)
    expect(await whoami(second.access_token)).toBe(401)
    expect(await whoamiThrough()).toContain('structuredContent')
    expect(desktop.visited).toHaveLength(2)
  })
})

describe('openid-client', () => {
  it('completes the flow, refreshes and revokes', async () => {
    const insecure = { execute: [openid.allowInsecureRequests] }
    const config = await openid.dynamicClientRegistration(
      new URL(await findIssuer()),
      {
        redirect_uris: [redirectUri],
        client_name: 'openid-client',
        token_endpoint_auth_method: 'none',
      },
      openid.None(),
      { ...insecure, algorithm: 'oauth2' },
    )
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const expectedState = openid.randomState()
    const page = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope,
      resource,
      state: expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const answer = await approve(page)
    const first = await openid.authorizationCodeGrant(
      config,
      answer,
      { pkceCodeVerifier, expectedState },
      { resource },
    )
    expect(first).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope })
    expect(await whoami(first.access_token)).toBe(200)

    const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '', { resource })
    expect(await whoami(second.access_token)).toBe(200)
    expect(second.refresh_token).not.toBe(first.refresh_token)

    await openid.tokenRevocation(config, second.refresh_token ?? '')
    await expect.poll(async () => await whoami(second.access_token), { timeout: 1_000 }).toBe(401)
    const refused = openid.refreshTokenGrant(config, second.refresh_token ?? '', { resource })
    await expect(refused).rejects.toMatchObject({ error: 'invalid_grant' })
  })
})

describe('oauth4webapi', () => {
  const insecure = { [oauth.allowInsecureRequests]: true }

  it('completes the flow, refreshes and revokes', async () => {
    const url = new URL(await findIssuer())
    const as = await oauth.processDiscoveryResponse(
      url,
      await oauth.discoveryRequest(url, { ...insecure, algorithm: 'oauth2' }),
    )
    expect(as.code_challenge_methods_supported).toEqual(['S256'])
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(
        as,
        {
          redirect_uris: [redirectUri],
          client_name: 'oauth4webapi',
          token_endpoint_auth_method: 'none',
        },
        insecure,
      ),
    )
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const page = new URL(as.authorization_endpoint ?? '')
    page.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope,
      resource,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()
    const parameters = oauth.validateAuthResponse(as, client, await approve(page), state)
    const first = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(
        as,
        client,
        oauth.None(),
        parameters,
        redirectUri,
        verifier,
        { ...insecure, additionalParameters: { resource } },
      ),
    )
    expect(await whoami(first.access_token)).toBe(200)

    const second = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, oauth.None(), first.refresh_token ?? '', {
        ...insecure,
        additionalParameters: { resource },
      }),
    )
    expect(await whoami(second.access_token)).toBe(200)
    expect(second.refresh_token).not.toBe(first.refresh_token)

    const revocation = oauth.revocationRequest(
      as,
      client,
      oauth.None(),
      second.refresh_token ?? '',
      insecure,
    )
    await oauth.processRevocationResponse(await revocation)
    await expect.poll(async () => await whoami(second.access_token), { timeout: 1_000 }).toBe(401)
  })
})
