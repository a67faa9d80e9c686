import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../../src/clients/client-policy.js'
import type { ClientInput } from '../../src/management/management.js'
import {
  authorize,
  callMcp,
  codeForm,
  obtainTokens,
  postToken,
  REDIRECT_URI,
  refresh,
} from '../engine/support/flow.js'
import { startServer, type TestServer } from '../engine/support/server.js'

let server: TestServer

beforeEach(async () => {
  server = await startServer()
})
afterEach(() => server.close())

const actor = { issuer: 'cli', subject: 'operator' }
const basic = (id: string, secret: unknown) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})
const input = (more: Partial<ClientInput> = {}): ClientInput => ({
  clientName: 'Reports',
  redirectUris: [REDIRECT_URI],
  ...more,
})

async function signAssertion(clientId: string, key: CryptoKey, kid: string): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(server.origin)
    .setJti(crypto.randomUUID())
    .setIssuedAt(Math.floor(Date.now() / 1000))
    .setExpirationTime(Math.floor(Date.now() / 1000) + 60)
    .sign(key)
}

describe('clients.create', () => {
  it('makes a public client that signs in', async () => {
    const { client, clientSecret } = await server.as.clients.create(input(), { actor })
    expect(clientSecret).toBeUndefined()
    expect(client).toMatchObject({ origin: 'registered', tokenEndpointAuthMethod: 'none' })
    const { tokens } = await obtainTokens(server, { clientId: client.clientId })
    expect(await callMcp(server, tokens.access_token)).toBe(200)
    expect((await refresh(server, client.clientId, tokens.refresh_token)).status).toBe(200)
    const [event] = await server.as.audit.list({ event: 'client.create' })
    expect(event).toMatchObject({ actor, details: { clientId: client.clientId } })
  })

  it('E08 makes a client that authenticates by Basic, and by nothing else', async () => {
    const method = 'client_secret_basic'
    const { client, clientSecret } = await server.as.clients.create(
      input({ tokenEndpointAuthMethod: method }),
    )
    expect(Buffer.from(String(clientSecret), 'base64url')).toHaveLength(32)
    const { clientId } = client
    const { client_id: _, ...form } = codeForm(clientId, await authorize(server, clientId))
    expect((await postToken(server, { ...form, client_id: clientId })).status).toBe(401)
    expect((await postToken(server, form, basic(clientId, 'x'.repeat(43)))).status).toBe(401)
    const good = await postToken(server, form, basic(clientId, clientSecret))
    expect(await callMcp(server, good.body.access_token)).toBe(200)
  })

  it('makes a client that posts its secret', async () => {
    const method = 'client_secret_post'
    const { client, clientSecret } = await server.as.clients.create(
      input({ tokenEndpointAuthMethod: method }),
    )
    const form = codeForm(client.clientId, await authorize(server, client.clientId))
    const wrong = await postToken(server, { ...form, client_secret: 'x'.repeat(43) })
    expect(wrong.status).toBe(401)
    const good = await postToken(server, { ...form, client_secret: String(clientSecret) })
    expect(good.status).toBe(200)
  })

  it('makes a client that signs with its own key', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const other = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] }
    const method = 'private_key_jwt'
    const { client, clientSecret } = await server.as.clients.create(
      input({ tokenEndpointAuthMethod: method, jwks }),
    )
    expect(clientSecret).toBeUndefined()
    const form = codeForm(client.clientId, await authorize(server, client.clientId))
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const post = async (key: CryptoKey) =>
      postToken(server, {
        ...form,
        client_assertion_type: type,
        client_assertion: await signAssertion(client.clientId, key, 'k1'),
      })
    expect((await post(other.privateKey)).status).toBe(401)
    expect((await post(privateKey)).status).toBe(200)
  })

  it('makes a program that gets the scopes it was given, and no others', async () => {
    const { client, clientSecret } = await server.as.clients.create({
      clientName: 'Nightly job',
      grantTypes: ['client_credentials'],
      scopes: ['coda.read'],
    })
    expect(client).toMatchObject({
      tokenEndpointAuthMethod: 'client_secret_basic',
      grantTypes: ['client_credentials'],
      redirectUris: [],
    })
    const headers = basic(client.clientId, clientSecret)
    const form = { grant_type: 'client_credentials' }
    const { body } = await postToken(server, form, headers)
    expect(body.scope).toBe('coda.read')
    expect(await callMcp(server, body.access_token)).toBe(200)
    const both = await postToken(server, { ...form, scope: 'coda.read coda.write' }, headers)
    expect(both.body.scope).toBe('coda.read')
    for (const scope of ['coda.write', 'nope', 'openid', ' ']) {
      const none = await postToken(server, { ...form, scope }, headers)
      expect([scope, none.status, none.body.error]).toEqual([scope, 400, 'invalid_scope'])
      expect(none.body.access_token).toBeUndefined()
    }
    expect(JSON.stringify([...server.storage.state.rows.values()])).not.toContain(clientSecret)
  })

  const keyed = { tokenEndpointAuthMethod: 'private_key_jwt' } as const
  const program = { redirectUris: [], grantTypes: ['client_credentials'] } as const
  it.each([
    ['no redirect URI', input({ redirectUris: [] }), 'redirectUris'],
    ['a dangerous redirect URI', input({ redirectUris: ['javascript:alert(1)'] }), 'redirectUris'],
    [
      'one of two redirect URIs that is not allowed',
      input({ redirectUris: [REDIRECT_URI, 'http://app.test/callback'] }),
      'redirectUris',
    ],
    ['an empty name', input({ clientName: ' ' }), 'clientName'],
    ['no key', input(keyed), 'tokenEndpointAuthMethod'],
    ['an http key URL', input({ ...keyed, jwksUri: 'http://app.test/keys' }), 'jwksUri'],
    ['a local key URL', input({ ...keyed, jwksUri: 'https://10.0.0.1/keys' }), 'jwksUri'],
    [
      'a private key',
      input({ ...keyed, jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' }] } }),
      'jwks',
    ],
    ['a key beside a secret', input({ jwks: { keys: [] } }), 'jwks'],
    [
      'a public program',
      input({ ...program, scopes: ['coda.read'], tokenEndpointAuthMethod: 'none' }),
      'tokenEndpointAuthMethod',
    ],
    ['a program without scopes', input(program), 'scopes'],
    ['a program with an unknown scope', input({ ...program, scopes: ['coda.admin'] }), 'scopes'],
    ['scopes of a client of people', input({ scopes: ['coda.read'] }), 'scopes'],
    ['refresh alone', input({ grantTypes: ['refresh_token'] }), 'grantTypes'],
  ] as const)('refuses %s', async (_, refused, path) => {
    const problem = server.as.clients.create(refused)
    await expect(problem).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    const { problems } = await problem.catch((error) => error)
    expect(problems.map((each: { path: string }) => each.path)).toContain(path)
    expect(await server.as.clients.list()).toEqual([])
  })
})

describe('clients.rotateSecret', () => {
  it('takes the new secret and refuses the old one at once', async () => {
    const { client, clientSecret: old } = await server.as.clients.create({
      clientName: 'Nightly job',
      ...{ grantTypes: ['client_credentials'], scopes: ['coda.read'] },
    })
    const { clientSecret } = await server.as.clients.rotateSecret(client.clientId, { actor })
    expect(clientSecret).not.toBe(old)
    const form = { grant_type: 'client_credentials' }
    expect((await postToken(server, form, basic(client.clientId, old))).status).toBe(401)
    expect((await postToken(server, form, basic(client.clientId, clientSecret))).status).toBe(200)
    expect(await server.as.clients.find(client.clientId)).toMatchObject({ origin: 'registered' })
  })

  it('names a client that is unknown, or has no secret', async () => {
    await expect(server.as.clients.rotateSecret('none')).rejects.toThrow(/there is no client/)
    const { client } = await server.as.clients.create(input())
    await expect(server.as.clients.rotateSecret(client.clientId)).rejects.toThrow(/has no secret/)
  })
})

describe('clients.revoke', () => {
  it('E23 ends every token of the client, and lets it get no more', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    const other = await obtainTokens(server, {
      clientId: (await server.as.clients.create(input())).client.clientId,
    })
    const pending = codeForm(clientId, await authorize(server, clientId))
    expect(await server.as.clients.revoke(clientId, { actor })).toMatchObject({ active: false })
    expect(await callMcp(server, tokens.access_token)).toBe(401)
    expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(401)
    expect((await postToken(server, pending)).status).toBe(401)
    expect(await callMcp(server, other.tokens.access_token)).toBe(200)
    expect(await server.as.sessions.list({ clientId })).toEqual([])
    await expect(server.as.clients.rotateSecret(clientId)).rejects.toThrow(/turned off/)
  })

  it('ends the tokens that a program got for itself', async () => {
    const { client, clientSecret } = await server.as.clients.create({
      clientName: 'Nightly job',
      ...{ grantTypes: ['client_credentials'], scopes: ['coda.read'] },
    })
    const form = { grant_type: 'client_credentials' }
    const { body } = await postToken(server, form, basic(client.clientId, clientSecret))
    await server.as.clients.revoke(client.clientId)
    expect(await callMcp(server, body.access_token)).toBe(401)
  })

  it('keeps out a client that is known by its document only', async () => {
    const id = 'https://app.example.com/client.json'
    expect(await server.as.clients.revoke(id)).toMatchObject({ clientId: id, active: false })
    await expect(server.as.clients.revoke('unknown')).rejects.toThrow(/there is no client/)
  })

  it('lists a client that is known by its document while somebody uses it, and turns it off', async () => {
    const id = 'https://app.example.com/client.json'
    const metadata: ClientMetadata = {
      client_name: 'Documented app',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    }
    const find = async () => ({ kind: 'found', metadata }) as const
    const own = await startServer({ parts: { documents: { find, close: () => undefined } } })
    expect(await own.as.clients.list()).toEqual([])
    expect(await own.as.clients.find(id)).toBeUndefined()
    const { tokens } = await obtainTokens(own, { clientId: id })
    const known = { clientId: id, clientName: 'app.example.com', origin: 'document' }
    expect(await own.as.clients.list()).toEqual([
      expect.objectContaining({ ...known, active: true, redirectUris: [] }),
    ])
    expect(await own.as.clients.find(id)).toMatchObject(known)

    expect(await own.as.clients.revoke(id)).toMatchObject({ ...known, active: false })
    expect(await callMcp(own, tokens.access_token)).toBe(401)
    expect(await own.as.clients.list()).toMatchObject([{ ...known, active: false }])
    await own.close()
  })
})
