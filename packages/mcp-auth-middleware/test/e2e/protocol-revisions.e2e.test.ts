import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { MCP_APPS, type McpApp, sdkV1Stateful, sdkV2 } from './mcp-servers.js'
import { headersFor, initialize, post } from './plain-http.js'
import { createStage } from './protected-server.js'

const stage = createStage()
afterEach(() => stage.stop())

const list = { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} }

/** The revisions for a server: all by night; by day every third one, from the next one on for the next. */
function revisionsFor<Revision>(app: McpApp, revisions: readonly Revision[]): Revision[] {
  const place = MCP_APPS.findIndex(([, each]) => each === app)
  return revisions.filter((_revision, index) => isLongForm || index % MCP_APPS.length === place)
}

describe.each(MCP_APPS)('a server of %s', (_, app) => {
  it.each(revisionsFor(app, ['2025-03-26', '2025-06-18', '2025-11-25']))(
    'serves a client of revision %s, message by message',
    async (revision) => {
      const { url, token } = await stage.start({ app })
      const headers = headersFor(await token({ sub: 'ann' }))
      const opened = await post(url, initialize(revision), headers)
      expect(opened.status).toBe(200)
      expect(opened.message()).toMatchObject({ result: { protocolVersion: revision } })

      const session = opened.headers['mcp-session-id']
      const later = {
        ...headers,
        // 2025-03-26 knows no such header.
        ...(revision === '2025-03-26' ? undefined : { 'mcp-protocol-version': revision }),
        ...(typeof session === 'string' ? { 'mcp-session-id': session } : undefined),
      }
      const ready = { jsonrpc: '2.0', method: 'notifications/initialized' }
      expect((await post(url, ready, later)).status).toBe(202)
      const call = { ...list, method: 'tools/call', params: { name: 'whoami', arguments: {} } }
      const answer = await post(url, call, later)
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('ann')
    },
  )

  it.each(
    revisionsFor(app, [
      '2025-03-26',
      '2025-06-18',
      '2025-11-25',
      '2026-07-28',
      '1999-01-01',
      undefined,
    ]),
  )('asks a client that says revision %s for a token, in the same words', async (revision) => {
    const { url } = await stage.start({ app })
    const version = revision === undefined ? {} : { 'mcp-protocol-version': revision }
    const answer = await post(url, list, { 'content-type': 'application/json', ...version })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer resource_metadata="http/)
    expect(answer.headers['www-authenticate']).not.toContain('error')
  })

  it('answers tools/list with no more than a token and a media type, or says what is missing', async () => {
    const { url, token } = await stage.start({ app })
    const answer = await post(url, list, {
      authorization: `Bearer ${await token()}`,
      'content-type': 'application/json',
    })
    if (answer.status === 200) {
      expect(JSON.stringify(answer.message())).toContain('whoami')
    } else {
      expect([400, 406]).toContain(answer.status)
      expect(answer.message()).toMatchObject({
        error: { message: expect.stringMatching(/accept|initialize|session/i) },
      })
    }
  })
})

describe('a server of SDK v2', () => {
  it('serves a client of revision 2026-07-28, message by message', async () => {
    const { url, token } = await stage.start({
      app: sdkV2,
      auth: { scopes: { tools: { delete_note: ['notes.write'] }, otherTools: [] } },
    })
    const revision = '2026-07-28'
    const meta = {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': revision,
        'io.modelcontextprotocol/clientInfo': { name: 'plain', version: '1.0.0' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    }
    const headers = headersFor(await token({ sub: 'ann' }), revision)
    const listed = await post(
      url,
      { ...list, params: meta },
      { ...headers, 'mcp-method': 'tools/list' },
    )
    expect(listed.status).toBe(200)
    expect(JSON.stringify(listed.message())).toContain('whoami')

    const call = (name: string) =>
      post(
        url,
        { ...list, method: 'tools/call', params: { name, arguments: {}, ...meta } },
        { ...headers, 'mcp-method': 'tools/call', 'mcp-name': name },
      )
    expect((await call('whoami')).text).toContain('ann')
    expect((await call('delete_note')).status).toBe(403)
  })

  it('authorizes the tool of the body, whatever the headers of 2026-07-28 say', async () => {
    const { url, token } = await stage.start({
      app: sdkV2,
      auth: { scopes: { tools: { delete_note: ['notes.write'] }, otherTools: [] } },
    })
    const headers = headersFor(await token(), '2026-07-28')
    const message = { ...list, method: 'tools/call', params: { name: 'delete_note' } }
    const lie = { ...headers, 'mcp-method': 'tools/call', 'mcp-name': 'whoami' }
    expect((await post(url, message, lie)).status).toBe(403)
  })
})

describe('a client of 2025-03-26, which knows no protected resource metadata', () => {
  it('finds the authorization server at the origin of the resource and gets in', async () => {
    const { url, issuer } = await stage.start({
      app: sdkV1Stateful,
      issuer: (audience) => ({ audience }),
    })
    // The revision's own rule: drop the path, look at the root of the origin.
    const place = new URL('/.well-known/oauth-authorization-server', url)
    const found = await fetch(place, { headers: { 'mcp-protocol-version': '2025-03-26' } })
    expect(found.status).toBe(200)
    const metadata = (await found.json()) as Record<string, string>
    expect(metadata.issuer).toBe(issuer.issuer)

    const redirectUri = 'http://127.0.0.1:7777/callback'
    const registration = await fetch(metadata.registration_endpoint ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }),
    })
    const { client_id: clientId } = (await registration.json()) as { client_id: string }
    const verifier = randomBytes(32).toString('base64url')
    const page = new URL(metadata.authorization_endpoint ?? '')
    page.search = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString()
    const answer = await fetch(page, { redirect: 'manual' })
    const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
    const redeemed = await fetch(metadata.token_endpoint ?? '', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        code,
      }),
    })
    const { access_token: token } = (await redeemed.json()) as { access_token: string }
    const opened = await post(url, initialize('2025-03-26'), headersFor(token))
    expect(opened.status).toBe(200)
    expect(opened.message()).toMatchObject({ result: { protocolVersion: '2025-03-26' } })
  })

  it('is told to come back when the authorization server cannot be read', async () => {
    const { url, issuer } = await stage.start({ app: sdkV2 })
    issuer.respond('metadata', 'error-500')
    const place = new URL('/.well-known/oauth-authorization-server', url)
    const answer = await fetch(place)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
  })
})
