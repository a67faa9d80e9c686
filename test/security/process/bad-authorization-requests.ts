import type { RawRequest } from '../../../packages/mcp-auth-middleware/test/black-box/raw-http.js'

/** A request that the authorization server refuses, by the id of its row. */
export interface BadAuthorizationRequest {
  readonly name: string
  readonly status: number
  /** The `error` of a JSON body; none for a page. */
  readonly error?: string
  readonly request: RawRequest
}

const FORM = ['Content-Type', 'application/x-www-form-urlencoded'] as const
const JSON_TYPE = ['Content-Type', 'application/json'] as const

function token(name: string, status: number, error: string, body: string): BadAuthorizationRequest {
  return { name, status, error, request: { target: '/oauth/token', headers: [FORM], body } }
}

function registration(name: string, error: string, body: string): BadAuthorizationRequest {
  const request = { target: '/oauth/register', headers: [JSON_TYPE], body }
  return { name, status: 400, error, request }
}

function page(name: string, target: string, status = 400): BadAuthorizationRequest {
  return { name, status, request: { method: 'GET', target } }
}

/** The sample; `marker` is in every secret that is sent. */
export function badAuthorizationRequests(marker: string): readonly BadAuthorizationRequest[] {
  const basic = (text: string) => ['Authorization', `Basic ${text}`] as const
  return [
    page('A01 an unknown client', `/oauth/authorize?response_type=code&client_id=${marker}`),
    page('A02 no client', '/oauth/authorize?response_type=code&redirect_uri=https://c.test/cb'),
    page('A13 a client twice', `/oauth/authorize?client_id=${marker}&client_id=b`),
    page(
      'A45 a callback with an unknown state',
      `/oauth/callback?code=${marker}&state=${marker}`,
      403,
    ),
    token('E12 no grant type, by nobody', 401, 'invalid_client', `code=${marker}&client_id=a`),
    token(
      'E05 an unknown client',
      401,
      'invalid_client',
      `grant_type=authorization_code&code=${marker}&code_verifier=${marker}&client_id=${marker}`,
    ),
    token(
      'E39 an unknown refresh token',
      401,
      'invalid_client',
      `grant_type=refresh_token&refresh_token=${marker}&client_id=nobody`,
    ),
    {
      name: 'E08 Basic with an unknown client',
      status: 401,
      error: 'invalid_client',
      request: {
        target: '/oauth/token',
        headers: [FORM, basic(Buffer.from(`nobody:${marker}`).toString('base64'))],
        body: 'grant_type=authorization_code&code=x',
      },
    },
    registration('D08 half a document', 'invalid_client_metadata', `{"client_name":"${marker}`),
    registration('D08 null', 'invalid_client_metadata', 'null'),
    registration(
      'D01 javascript:',
      'invalid_redirect_uri',
      `{"redirect_uris":["javascript:alert('${marker}')"]}`,
    ),
    registration(
      'D03 plain http',
      'invalid_redirect_uri',
      `{"redirect_uris":["http://${marker}.test/cb"]}`,
    ),
    registration(
      'P01 a document that names a prototype',
      'invalid_redirect_uri',
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"redirect_uris":["http://c.test/cb"]}',
    ),
    {
      name: 'E27 introspection by nobody',
      status: 401,
      error: 'invalid_client',
      request: { target: '/oauth/introspect', headers: [FORM], body: `token=${marker}` },
    },
    {
      name: 'E29 userinfo with an unknown token',
      status: 401,
      error: 'invalid_token',
      request: {
        method: 'GET',
        target: '/oauth/userinfo',
        headers: [['Authorization', `Bearer ${marker}`]],
      },
    },
  ]
}
