import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callMcp, obtainTokens } from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const validate = (token: string, resource = server.resource) =>
  server.as.validator.validate(token, { resource, digest: 'd', now: Date.now() })

describe('the validator for our own tokens', () => {
  it('accepts a token of ours with its grant and client, for its resource only', async () => {
    const { tokens, clientId } = await obtainTokens(server)
    const verdict = await validate(tokens.access_token)
    expect(verdict).toMatchObject({
      kind: 'accepted',
      resource: server.resource,
      principal: {
        issuer: server.origin,
        kind: 'user',
        clientId,
        scopes: ['coda.read', 'coda.write'],
        grantId: expect.any(String),
        tokenId: expect.any(String),
      },
    })
    const other = await validate(tokens.access_token, `${server.resource}2`)
    expect(other.kind).toBe('rejected')
  })

  it('rejects an ID token, a refresh token and a forged signature', async () => {
    const { tokens } = await obtainTokens(server, { parameters: { scope: 'openid coda.read' } })
    const forged = `${tokens.access_token.slice(0, -8)}AAAAAAAA`
    for (const token of [String(tokens.id_token), tokens.refresh_token, forged]) {
      expect((await validate(token)).kind).toBe('rejected')
    }
  })

  it('answers 503, never 401, once revocations could not be read for more than 60 s', async () => {
    const { tokens } = await obtainTokens(server)
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    server.storage.fail()
    server.advance(60)
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    server.advance(1)
    expect(await callMcp(server, tokens.access_token)).toBe(503)
    server.storage.recover()
  })
})
