import { describe, expect, it } from 'vitest'
import { parseClientDocument } from '../../src/clients/client-document.js'
import { FetchFailure } from '../../src/clients/fetch-failure.js'

const ID = 'https://c.example/client.json'
const GOOD = { client_id: ID, client_name: 'Client', redirect_uris: ['https://c.example/cb'] }

const parse = (document: unknown, id = ID) =>
  parseClientDocument(id, new TextEncoder().encode(JSON.stringify(document)), {})

function reason(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof FetchFailure && error.kind === 'invalid') return error.reason
    throw error
  }
}

const CHATGPT_ID = 'https://chatgpt.com/oauth/IbUR3zxyNQ16/client.json'
const CHATGPT = {
  client_id: CHATGPT_ID,
  client_name: 'ChatGPT',
  client_uri: 'https://chatgpt.com/',
  logo_uri: 'https://cdn.example/openai-logo.png',
  redirect_uris: ['https://chatgpt.com/connector/oauth/IbUR3zxyNQ16'],
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  token_endpoint_auth_signing_alg: 'RS256',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
}

describe('parseClientDocument()', () => {
  it('D16 takes the document of ChatGPT, which prefers a key and also accepts none', () => {
    expect(parse(CHATGPT, CHATGPT_ID)).toEqual({
      client_name: 'ChatGPT',
      client_uri: 'https://chatgpt.com/',
      logo_uri: 'https://cdn.example/openai-logo.png',
      redirect_uris: ['https://chatgpt.com/connector/oauth/IbUR3zxyNQ16'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      application_type: 'web',
      jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
    })
  })

  it('D16 takes the document of Claude and leaves out its jwt-bearer grant', () => {
    const id = 'https://claude.ai/oauth/mcp-oauth-client-metadata'
    const document = {
      client_id: id,
      client_name: 'Claude',
      client_uri: 'https://claude.ai',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      grant_types: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
    expect(parse(document, id)).toMatchObject({
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    })
  })

  it('D14 takes the loopback redirect URIs without a port of Claude Code', () => {
    const redirect_uris = ['http://localhost/callback', 'http://127.0.0.1/callback']
    const metadata = parse({ ...GOOD, redirect_uris })
    expect(metadata).toMatchObject({ redirect_uris, application_type: 'native' })
  })

  it('D16 keeps a client that accepts only its key', () => {
    const { token_endpoint_auth_methods_supported: _, ...document } = CHATGPT
    const metadata = parse(document, CHATGPT_ID)
    expect(metadata.token_endpoint_auth_method).toBe('private_key_jwt')
    expect(metadata).not.toHaveProperty('token_endpoint_auth_methods_supported')
    const { jwks_uri: _uri, ...withoutKeys } = document
    expect(reason(() => parse(withoutKeys, CHATGPT_ID))).toBe('invalid_client_metadata')
  })

  it('takes a document without a method as one of a public client', () => {
    expect(parse(GOOD).token_endpoint_auth_method).toBe('none')
  })

  it.each([
    ['another host', 'https://d.example/client.json'],
    ['a slash behind', `${ID}/`],
    ['another case', 'https://c.example/Client.json'],
    ['an upper-case host', 'https://C.example/client.json'],
    ['the port', 'https://c.example:443/client.json'],
    ['a list', [ID]],
    ['nothing', undefined],
  ])('M11 refuses a document whose client_id is %s', (_name, client_id) => {
    expect(reason(() => parse({ ...GOOD, client_id }))).toBe('client_id_differs')
    expect(reason(() => parse(GOOD))).toBeUndefined()
  })

  it.each([
    [{ client_secret: 'canary' }, 'contains_secret'],
    [{ client_secret: null }, 'contains_secret'],
    [{ client_secret_expires_at: 0 }, 'contains_secret'],
    [{ token_endpoint_auth_method: 'client_secret_basic' }, 'auth_method_not_allowed'],
    [{ token_endpoint_auth_method: 'client_secret_post' }, 'auth_method_not_allowed'],
    [{ token_endpoint_auth_method: 'client_secret_jwt' }, 'auth_method_not_allowed'],
    [{ token_endpoint_auth_method: 'tls_client_auth' }, 'auth_method_not_allowed'],
    [{ token_endpoint_auth_method: 'magic' }, 'auth_method_not_allowed'],
    [
      {
        token_endpoint_auth_method: 'client_secret_post',
        token_endpoint_auth_methods_supported: ['none'],
      },
      'auth_method_not_allowed',
    ],
    [{ token_endpoint_auth_methods_supported: ['client_secret_basic'] }, 'auth_method_not_allowed'],
    [{ client_name: undefined }, 'client_name_missing'],
    [{ client_name: '' }, 'client_name_missing'],
    [{ client_name: ' \u200b\u0000' }, 'client_name_missing'],
    [{ client_name: 7 }, 'invalid_client_metadata'],
    [{ redirect_uris: undefined }, 'invalid_redirect_uri'],
    [{ redirect_uris: [] }, 'invalid_redirect_uri'],
    [{ redirect_uris: ['http://c.example/cb'] }, 'invalid_redirect_uri'],
    [{ redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    [{ redirect_uris: ['https://c.example/cb#x'] }, 'invalid_redirect_uri'],
    [{ grant_types: ['authorization_code', 'implicit'] }, 'invalid_client_metadata'],
    [{ response_types: ['token'] }, 'invalid_client_metadata'],
    [{ logo_uri: 'http://10.0.0.1/' }, 'invalid_client_metadata'],
    [{ jwks_uri: 'https://127.0.0.1/' }, 'invalid_client_metadata'],
    [{ jwks: { keys: [{ kty: 'oct', k: 'k' }] } }, 'invalid_client_metadata'],
  ])('M13 refuses a document with %j as %s', (members, expected) => {
    expect(reason(() => parse({ ...GOOD, ...members }))).toBe(expected)
  })

  it.each(['', '[]', 'null', '"x"', '{', '<html>', `{"client_id":"${ID}"`])(
    'refuses %j, which is no JSON object',
    (text) => {
      const body = new TextEncoder().encode(text)
      expect(reason(() => parseClientDocument(ID, body, {}))).toBe('not_json')
    },
  )

  it('refuses bytes that are not UTF-8', () => {
    expect(reason(() => parseClientDocument(ID, Uint8Array.of(0x7b, 0xff, 0x7d), {}))).toBe(
      'not_json',
    )
  })
})
