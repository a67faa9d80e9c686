import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { registerClient } from './oauth-client.js'

let issuer: TestIssuer
beforeAll(async () => {
  issuer = createTestIssuer({ audience: 'https://mcp.test/mcp' })
  await issuer.listen()
})
afterAll(() => issuer.close())

const GRANTS = ['authorization_code', 'refresh_token']

describe('POST /oauth/register', () => {
  it.each([
    [
      'Claude Code',
      {
        client_name: 'Claude Code (docs)',
        redirect_uris: ['http://localhost:54213/callback'],
        grant_types: GRANTS,
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        scope: 'docs.read',
      },
    ],
    [
      'Claude',
      { client_name: 'Claude', redirect_uris: ['https://claude.ai/api/mcp/auth_callback'] },
    ],
    [
      'Cursor',
      {
        redirect_uris: [
          'cursor://anysphere.cursor-mcp/oauth/callback',
          'https://www.cursor.com/agents/mcp/oauth/callback',
          'http://localhost:8787/callback',
        ],
        token_endpoint_auth_method: 'none',
      },
    ],
    [
      'VS Code',
      {
        client_name: 'Visual Studio Code',
        client_uri: 'https://code.visualstudio.com',
        redirect_uris: [
          'https://insiders.vscode.dev/redirect',
          'https://vscode.dev/redirect',
          'http://127.0.0.1/',
          'http://127.0.0.1:33418/',
        ],
        grant_types: [...GRANTS, 'urn:ietf:params:oauth:grant-type:device_code'],
        application_type: 'native',
        token_endpoint_auth_method: 'none',
      },
    ],
    [
      'the MCP Inspector',
      {
        redirect_uris: ['http://localhost:6274/oauth/callback'],
        client_name: 'MCP Inspector',
        client_uri: 'https://github.com/modelcontextprotocol/inspector',
        scope: '',
        token_endpoint_auth_method: 'none',
      },
    ],
    [
      'mcp-remote',
      {
        redirect_uris: ['http://localhost:3335/oauth/callback'],
        software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
        software_version: '0.15.1',
        grant_types: GRANTS,
      },
    ],
  ])('registers %s and says what it stored', async (_, body) => {
    const response = await registerClient(issuer, body)
    const text = await response.text()
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(text).not.toContain('null')
    expect(JSON.parse(text)).toMatchObject({
      client_id: expect.stringMatching(/^client-/),
      redirect_uris: body.redirect_uris,
      response_types: ['code'],
    })
  })

  it('drops grants that it does not offer', async () => {
    const asked = { grant_types: [...GRANTS, 'urn:ietf:params:oauth:grant-type:device_code'] }
    const response = await registerClient(issuer, asked)
    expect(await response.json()).toMatchObject({ grant_types: GRANTS })
  })

  it('gives a secret to confidential clients and none to public ones', async () => {
    const confidential = await registerClient(issuer, {
      token_endpoint_auth_method: 'client_secret_post',
    })
    expect(await confidential.json()).toMatchObject({
      client_secret: expect.any(String),
      client_secret_expires_at: 0,
    })
    const open = await registerClient(issuer, { token_endpoint_auth_method: 'none' })
    expect(await open.json()).not.toHaveProperty('client_secret')
  })

  it.each([
    ['D10', { client_id: 'mine' }],
    ['D10', { client_secret: 'mine' }],
    ['D10', { skip_consent: true }],
  ])('%s ignores %j', async (_, extra) => {
    const response = await registerClient(issuer, extra)
    const body = (await response.json()) as Record<string, unknown>
    const [name = '', value] = Object.entries(extra)[0] ?? []
    expect(body[name]).not.toBe(value)
  })

  it.each([
    ['D01', 'a script', ['javascript:alert(1)']],
    ['D01', 'a script in capitals', ['JaVaScRiPt:alert(1)']],
    ['D01', 'a script with a tab inside', ['java\tscript:alert(1)']],
    ['D01', 'a script after a blank', [' javascript:alert(1)']],
    ['D01', 'a data URL', ['data:text/html,x']],
    ['D01', 'a script beside a good one', ['https://c.test/cb', 'javascript:alert(1)']],
    ['D03', 'http on another host', ['http://c.test/cb']],
    ['D03', 'http on a host that starts like loopback', ['http://127.0.0.1.c.test/cb']],
    ['D03', 'a wildcard', ['https://*.c.test/cb']],
    ['D03', 'a relative URI', ['/cb']],
    ['D03', 'a fragment', ['https://c.test/cb#f']],
    ['D03', 'an empty fragment', ['https://c.test/cb#']],
    ['D03', 'user information', ['https://u:p@c.test/cb']],
    ['D03', 'an empty list', []],
    ['D03', 'no list', 'https://c.test/cb'],
    ['D03', 'nothing', undefined],
    ['D03', 'a number', [1]],
    ['D05', 'eleven entries', Array.from({ length: 11 }, (_, i) => `https://c.test/${i}`)],
    ['D05', 'an entry of 3 KiB', [`https://c.test/${'a'.repeat(3072)}`]],
  ])('%s refuses redirect URIs with %s', async (_, __, redirect_uris) => {
    const response = await registerClient(issuer, { redirect_uris })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_redirect_uri' })
  })

  it.each([
    ['D06', 'the implicit grant', { grant_types: ['authorization_code', 'implicit'] }],
    ['D06', 'the password grant alone', { grant_types: ['password'] }],
    ['D06', 'the token response type', { response_types: ['token'] }],
    ['D06', 'an unknown authentication method', { token_endpoint_auth_method: 'magic' }],
    ['D13', 'a script as its logo', { logo_uri: 'javascript:alert(1)' }],
  ])('%s refuses %s', async (_, __, members) => {
    const response = await registerClient(issuer, members)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_client_metadata' })
  })

  it.each([
    ['null', 'application/json'],
    ['[]', 'application/json'],
    ['"x"', 'application/json'],
    ['{"redirect_uris":', 'application/json'],
    ['{}', 'text/plain'],
  ])('D08 answers the body %s as %s with a JSON error', async (body, type) => {
    const response = await fetch(`${issuer.issuer}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toHaveProperty('error')
  })

  it('D05 refuses a body of 200 KB', async () => {
    const response = await registerClient(issuer, { client_name: 'a'.repeat(200_000) })
    expect(response.status).toBe(413)
  })
})
