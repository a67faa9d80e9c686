import { createHash, randomBytes } from 'node:crypto'
import { type Browser, createBrowser, type Page } from './browser.js'
import type { TestServer } from './server.js'

export const REDIRECT_URI = 'https://app.test/callback'

export interface RegisteredClient {
  readonly client_id: string
  readonly client_secret?: string
  readonly [member: string]: unknown
}

export async function register(
  server: TestServer,
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<RegisteredClient> {
  const response = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Test app',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      ...metadata,
    }),
  })
  const body = await response.json()
  if (response.status !== 201)
    throw new Error(`registration: ${response.status} ${JSON.stringify(body)}`)
  return body
}

export function createVerifier(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export function authorizeUrl(
  server: TestServer,
  clientId: string,
  challenge: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const url = new URL('/oauth/authorize', server.origin)
  const all: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'some-state',
    resource: server.resource,
    scope: 'coda.read coda.write',
    ...parameters,
  }
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}

/** Signs in with the developer's login and approves. */
export async function approve(page: Page, subject = 'ann'): Promise<Page> {
  let current = page
  if (current.html.includes('/login/dev')) {
    current = await current.submit('/login/dev', { subject })
  }
  return current.location === undefined ? current.submit('/consent') : current
}

export interface Authorization {
  readonly code: string
  readonly verifier: string
  readonly browser: Browser
}

export async function authorize(
  server: TestServer,
  clientId: string,
  options: {
    readonly parameters?: Readonly<Record<string, string | undefined>>
    readonly subject?: string
    readonly browser?: Browser
  } = {},
): Promise<Authorization> {
  const browser = options.browser ?? createBrowser(server.origin)
  const { verifier, challenge } = createVerifier()
  const page = await browser.open(authorizeUrl(server, clientId, challenge, options.parameters))
  const done = await approve(page, options.subject)
  const code = done.location?.searchParams.get('code')
  if (typeof code !== 'string') {
    throw new Error(`no code: ${done.status} ${done.location?.href} ${done.html.slice(0, 1500)}`)
  }
  return { code, verifier, browser }
}

export async function postToken(
  server: TestServer,
  fields: Readonly<Record<string, string>> | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
  })
  return { status: response.status, body: await response.json(), headers: response.headers }
}

export function codeForm(clientId: string, { code, verifier }: Authorization) {
  return {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: REDIRECT_URI,
  }
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly [member: string]: unknown
}

export async function obtainTokens(
  server: TestServer,
  options: {
    readonly clientId?: string
    readonly parameters?: Readonly<Record<string, string | undefined>>
    readonly subject?: string
  } = {},
): Promise<{ clientId: string; tokens: Tokens; authorization: Authorization }> {
  const clientId = options.clientId ?? (await register(server)).client_id
  const authorization = await authorize(server, clientId, options)
  const { status, body } = await postToken(server, codeForm(clientId, authorization))
  if (status !== 200) throw new Error(`token: ${status} ${JSON.stringify(body)}`)
  return { clientId, tokens: body as Tokens, authorization }
}

export function refresh(server: TestServer, clientId: string, refreshToken: unknown) {
  return postToken(server, {
    grant_type: 'refresh_token',
    client_id: clientId,
    refresh_token: String(refreshToken),
  })
}

export async function callMcp(server: TestServer, accessToken: unknown): Promise<number> {
  const response = await fetch(server.resource, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  })
  return response.status
}
