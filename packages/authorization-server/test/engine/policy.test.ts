import { afterEach, describe, expect, it } from 'vitest'
import { createBrowser } from './support/browser.js'
import {
  approve,
  authorizeUrl,
  codeForm,
  createVerifier,
  obtainTokens,
  postToken,
  refresh,
  register,
} from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

describe('scopePolicy', () => {
  it('limits what is shown and given at consent, and again at each refresh', async () => {
    let allowed = ['coda.read', 'coda.write', 'not.asked']
    server = await startServer({
      scopePolicy: ({ requested, user }) =>
        user.name === 'Ann' ? requested.filter((scope) => allowed.includes(scope)) : ['coda.read'],
    })
    const ann = await obtainTokens(server)
    expect(ann.tokens.scope).toBe('coda.read coda.write')
    const bob = await obtainTokens(server, { subject: 'bob' })
    expect(bob.tokens.scope).toBe('coda.read')
    allowed = ['coda.read']
    const next = await refresh(server, ann.clientId, ann.tokens.refresh_token)
    expect(next.body.scope).toBe('coda.read')
  })
})

describe('a failure of the application', () => {
  it('is answered 500 without its text, is told by name, and leaves the refresh token good', async () => {
    let isBroken = false
    const events: unknown[] = []
    server = await startServer({
      onEvent: (event) => events.push(event),
      scopePolicy: ({ requested }) => {
        if (isBroken) throw new RangeError('canary-text')
        return requested
      },
    })
    const { clientId, tokens } = await obtainTokens(server)
    isBroken = true
    const failed = await refresh(server, clientId, tokens.refresh_token)
    expect([failed.status, failed.body]).toEqual([500, { error: 'server_error' }])
    expect(JSON.stringify(events)).not.toContain('canary')
    expect(events.at(-1)).toMatchObject({
      event: 'request.failed',
      details: { error: 'RangeError' },
    })
    isBroken = false
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(200)
  })
})

describe('consent', () => {
  it('is asked for each time where the operator wants it', async () => {
    server = await startServer({ consent: 'always' })
    const { client_id: id } = await register(server)
    const { challenge } = createVerifier()
    const browser = createBrowser(server.origin)
    await approve(await browser.open(authorizeUrl(server, id, challenge)))
    const again = await browser.open(authorizeUrl(server, id, challenge))
    expect(again.html).toContain('/consent')
  })
})

describe('several resources', () => {
  it('A19 needs a resource in the request, and gives a token for that one', async () => {
    server = await startServer({
      resources: {
        'https://one.test/mcp': { scopes: { one: 'One' } },
        'https://two.test/mcp': { scopes: { two: 'Two', more: 'More' }, defaultScopes: ['two'] },
      },
    })
    const { client_id: id } = await register(server)
    const { challenge } = createVerifier()
    const missing = await createBrowser(server.origin).open(
      authorizeUrl(server, id, challenge, { resource: undefined, scope: undefined }),
    )
    expect(missing.location?.searchParams.get('error')).toBe('invalid_target')
    const parameters = { resource: 'https://two.test/mcp', scope: undefined }
    const { tokens } = await obtainTokens(server, { clientId: id, parameters })
    const [, payload = ''] = tokens.access_token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    expect([claims.aud, claims.scope]).toEqual(['https://two.test/mcp', 'two'])
  })
})

describe('pushed authorization requests', () => {
  it('are an option', async () => {
    server = await startServer({ pushedAuthorizationRequests: true })
    const { client_id: id } = await register(server)
    const { verifier, challenge } = createVerifier()
    const pushed = await fetch(`${server.origin}/oauth/par`, {
      method: 'POST',
      body: new URL(authorizeUrl(server, id, challenge)).searchParams,
    })
    expect(pushed.status).toBe(201)
    const { request_uri: requestUri } = await pushed.json()
    const browser = createBrowser(server.origin)
    const query = new URLSearchParams({ client_id: id, request_uri: requestUri })
    const done = await approve(await browser.open(`/oauth/authorize?${query}`))
    const code = done.location?.searchParams.get('code') ?? ''
    const answer = await postToken(server, codeForm(id, { code, verifier, browser }))
    expect(answer.status).toBe(200)
    expect(server.as.metadata).toHaveProperty('pushed_authorization_request_endpoint')
  })
})
