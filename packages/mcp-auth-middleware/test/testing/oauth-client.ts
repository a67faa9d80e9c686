import { createHash, randomBytes } from 'node:crypto'
import type { TestIssuer } from '../../src/testing/test-issuer.js'

/** A client that does each step of the flow by hand, so that every step can be spoilt. */
export const REDIRECT_URI = 'http://127.0.0.1:7777/callback'

export interface Registration {
  readonly client_id: string
  readonly client_secret?: string
}

export function registerClient(issuer: TestIssuer, members: object = {}): Promise<Response> {
  return fetch(`${issuer.issuer}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      ...members,
    }),
  })
}

export async function registered(issuer: TestIssuer, members: object = {}): Promise<Registration> {
  const response = await registerClient(issuer, members)
  if (response.status !== 201) throw new Error(`registration answered ${response.status}`)
  return (await response.json()) as Registration
}

export const VERIFIER = randomBytes(32).toString('base64url')
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')

type Parameters = Readonly<Record<string, string | undefined>>

function query(parameters: Parameters): URLSearchParams {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, value)
  }
  return search
}

export function authorize(
  issuer: TestIssuer,
  clientId: string,
  parameters: Parameters = {},
): Promise<Response> {
  const search = query({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    state: 'st te&1',
    ...parameters,
  })
  return fetch(`${issuer.issuer}/oauth/authorize?${search}`, { redirect: 'manual' })
}

/** Parameters of the redirect that an authorization response is. */
export function redirectParameters(response: Response): URLSearchParams {
  const location = response.headers.get('location')
  if (location === null) throw new Error(`no redirect but ${response.status}`)
  return new URL(location).searchParams
}

export async function authorizedCode(
  issuer: TestIssuer,
  clientId: string,
  parameters: Parameters = {},
): Promise<string> {
  const code = redirectParameters(await authorize(issuer, clientId, parameters)).get('code')
  if (code === null) throw new Error('the authorization was refused')
  return code
}

export function postForm(
  url: string,
  parameters: Parameters,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, { method: 'POST', body: query(parameters), headers })
}

export function redeem(
  issuer: TestIssuer,
  clientId: string,
  code: string,
  parameters: Parameters = {},
): Promise<Response> {
  return postForm(`${issuer.issuer}/oauth/token`, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: VERIFIER,
    ...parameters,
  })
}

export interface TokenResponse {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: string
  readonly expires_in: number
  readonly scope?: string
  readonly id_token?: string
}

export async function tokensOf(response: Response): Promise<TokenResponse> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return (await response.json()) as TokenResponse
}

export function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}
