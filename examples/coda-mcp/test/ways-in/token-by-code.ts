import { createHash, randomBytes } from 'node:crypto'
import { approve, type Person } from '../support/person.js'

const redirectUri = 'http://127.0.0.1:7777/callback'

/** The tokens of an answer of the token endpoint. */
export interface IssuedTokens {
  readonly access_token: string
  readonly refresh_token?: string
  readonly scope?: string
}

async function postJson(url: string, body: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return await response.json()
}

/**
 * Signs a person in at an authorization server by plain HTTP, as an app does it: registration,
 * authorization code with PKCE, token. Rejects when the person is not let in.
 */
export async function tokenByCode(
  server: { readonly url: string; readonly resource: string },
  person: Person,
  scope: string,
): Promise<IssuedTokens> {
  const { client_id: clientId } = await postJson(`${server.url}/oauth/register`, {
    client_name: 'Suite',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
  })
  const verifier = randomBytes(32).toString('base64url')
  const page = new URL('/oauth/authorize', server.url)
  page.search = new URLSearchParams({
    client_id: String(clientId),
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    resource: server.resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const { searchParams } = await approve(page, person)
  const response = await fetch(`${server.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      client_id: String(clientId),
      code_verifier: verifier,
      resource: server.resource,
    }),
  })
  if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`)
  return await response.json()
}
