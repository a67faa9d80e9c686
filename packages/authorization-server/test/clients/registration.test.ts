import { describe, expect, it } from 'vitest'
import type { ClientMetadata, RedirectPolicy } from '../../src/clients/client-policy.js'
import { parseRegistration } from '../../src/clients/registration.js'
import { REGISTRATION_BODIES } from './registration-bodies.js'

const GOOD = {
  client_name: 'Good',
  redirect_uris: ['https://c.test/cb'],
  token_endpoint_auth_method: 'none',
}

const register = (body: unknown, redirectPolicy: RedirectPolicy = {}) =>
  parseRegistration(body, { redirectPolicy })

function registered(body: unknown, policy?: RedirectPolicy): ClientMetadata {
  const result = register(body, policy)
  if (!result.ok) throw new Error(`refused: ${result.description}`)
  return result.metadata
}

const refusal = (body: unknown) => {
  const result = register(body)
  return result.ok ? undefined : result.error
}

describe('parseRegistration() with the bodies of real clients', () => {
  it.each(Object.entries(REGISTRATION_BODIES))(
    'D13 takes all redirect URIs of %s',
    (_name, body) => {
      expect(registered(body)).toMatchObject({
        client_name: body.client_name,
        redirect_uris: body.redirect_uris,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: body.token_endpoint_auth_method,
      })
    },
  )

  it.each(Object.entries(REGISTRATION_BODIES))(
    'D11 D19 answers %s without nulls and scope',
    (_name, body) => {
      const metadata = registered(body)
      expect(Object.values(metadata)).not.toContain(undefined)
      expect(Object.values(metadata)).not.toContain(null)
      expect(metadata).not.toHaveProperty('scope')
    },
  )

  it.each([
    ['Claude web', 'web'],
    ['ChatGPT', 'web'],
    ['Claude Code', 'native'],
    ['Cursor', 'native'],
    ['VS Code', 'native'],
    ['SDK v1', 'native'],
    ['Codex', 'native'],
  ] as const)('derives the application type of %s as %s', (name, type) => {
    expect(registered(REGISTRATION_BODIES[name]).application_type).toBe(type)
  })

  it('does not take the application type that a client names', () => {
    const body = { ...GOOD, redirect_uris: ['http://localhost:1/cb'], application_type: 'web' }
    expect(registered(body).application_type).toBe('native')
    expect(registered({ ...GOOD, application_type: 'native' }).application_type).toBe('web')
  })
})

describe('parseRegistration()', () => {
  it('D03 refuses a missing or empty list of redirect URIs', () => {
    for (const redirect_uris of [undefined, null, [], '', {}, 'https://c.test/cb', [1], [null]]) {
      expect(refusal({ ...GOOD, redirect_uris })).toBe('invalid_redirect_uri')
    }
    expect(refusal(GOOD)).toBeUndefined()
  })

  it.each([
    ['grant implicit', { grant_types: ['authorization_code', 'implicit'] }],
    ['grant password', { grant_types: ['password'] }],
    ['grant without code', { grant_types: ['refresh_token'] }],
    ['only unknown grants', { grant_types: ['urn:example:grant'] }],
    ['client credentials alone', { grant_types: ['client_credentials'] }],
    ['no grants', { grant_types: [] }],
    ['grants as text', { grant_types: 'authorization_code' }],
    ['response type token', { response_types: ['token'] }],
    ['response type code token', { response_types: ['code', 'code token'] }],
    ['response type id_token', { response_types: ['code', 'id_token'] }],
    ['response type none', { response_types: ['none'] }],
    ['method magic', { token_endpoint_auth_method: 'magic' }],
    ['method client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['method NONE', { token_endpoint_auth_method: 'NONE' }],
    ['method list', { token_endpoint_auth_method: ['none'] }],
  ])('D06 refuses %s', (_name, members) => {
    expect(refusal({ ...GOOD, ...members })).toBe('invalid_client_metadata')
  })

  it('D06 leaves out grants that it does not offer and keeps the rest', () => {
    const grant_types = ['client_credentials', 'authorization_code', 'urn:example:grant']
    expect(registered({ ...GOOD, grant_types }).grant_types).toEqual(['authorization_code'])
    expect(registered(GOOD).grant_types).toEqual(['authorization_code', 'refresh_token'])
  })

  it.each(['none', 'client_secret_basic', 'client_secret_post'])(
    'D06 takes the method %s',
    (method) => {
      const metadata = registered({ ...GOOD, token_endpoint_auth_method: method })
      expect(metadata.token_endpoint_auth_method).toBe(method)
    },
  )

  // RFC 7591 section 2
  it('takes a client that names no method as one with a secret', () => {
    const { token_endpoint_auth_method: _, ...body } = GOOD
    expect(registered(body).token_endpoint_auth_method).toBe('client_secret_basic')
  })

  it.each([null, [], 'x', 1, true, undefined, [GOOD]])('D08 refuses the body %j', (body) => {
    expect(refusal(body)).toBe('invalid_client_metadata')
  })

  it('D10 ignores what only the server decides', () => {
    const body = {
      ...GOOD,
      client_id: 'mine',
      client_secret: 'canary-secret',
      client_id_issued_at: 1,
      client_secret_expires_at: 0,
      skip_consent: true,
      first_party: true,
      trusted: true,
      require_pkce: false,
      created_at: 0,
      owner: 'ann',
      subject_type: 'pairwise',
      sector_identifier_uri: 'https://10.0.0.1/',
      registration_client_uri: 'https://c.test/',
      default_max_age: 1,
    }
    expect(registered(body)).toEqual(registered(GOOD))
  })

  it('D10 reads only own members', () => {
    const body = JSON.parse('{"__proto__": {"redirect_uris": ["https://c.test/cb"]}}')
    expect(refusal(body)).toBe('invalid_redirect_uri')
    expect(refusal(Object.create(GOOD))).toBe('invalid_redirect_uri')
  })

  it('D12 keeps one list of a repeated member, and answers with it', () => {
    const text =
      '{"redirect_uris":["https://c.test/first"],"redirect_uris":["https://c.test/second"]}'
    expect(registered(JSON.parse(text)).redirect_uris).toEqual(['https://c.test/second'])
  })

  const WEB_URIS = ['logo_uri', 'client_uri', 'tos_uri', 'policy_uri', 'jwks_uri']
  const BAD_WEB_URIS = [
    'javascript:alert(1)',
    'data:image/png;base64,AA',
    'http://10.0.0.1/logo.png',
    'http://c.test/',
    'https://10.0.0.1/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://localhost/',
    'https://app.localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://intranet/',
    'https://user@c.test/',
    'https:c.test',
    'https:\\\\c.test',
    '//c.test/',
    '/logo.png',
    ' https://c.test/',
    'https://c.test/\n',
    'https://c.test/\u202e',
    `https://c.test/${'a'.repeat(2048)}`,
    7,
  ]
  it.each(WEB_URIS)('D13 refuses a %s that is no public https URL', (member) => {
    for (const uri of BAD_WEB_URIS) {
      expect([uri, refusal({ ...GOOD, [member]: uri })]).toEqual([uri, 'invalid_client_metadata'])
    }
    expect(refusal({ ...GOOD, [member]: 'https://c.test/page?x=1' })).toBeUndefined()
  })

  it('D15 keeps an https logo as text and nothing else', () => {
    const logo_uri = 'https://c.test/logo.png'
    expect(registered({ ...GOOD, logo_uri }).logo_uri).toBe(logo_uri)
  })

  it('takes null and empty text as absent', () => {
    const body = { ...GOOD, client_uri: null, logo_uri: '', client_name: null, grant_types: null }
    const { client_name: _, ...rest } = registered(GOOD)
    expect(registered(body)).toEqual(rest)
  })

  const KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: '1' }
  const keyed = (members: object) => ({
    ...GOOD,
    token_endpoint_auth_method: 'private_key_jwt',
    ...members,
  })
  it.each([
    ['private EC key', { jwks: { keys: [{ ...KEY, d: 'canary-d' }] } }],
    ['second key private', { jwks: { keys: [KEY, { kty: 'RSA', n: 'n', e: 'AQAB', p: 'p' }] } }],
    ['symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'canary-k' }] } }],
    ['key without type', { jwks: { keys: [{ x: 'x' }] } }],
    ['no keys', { jwks: { keys: [] } }],
    ['keys as list', { jwks: [KEY] }],
    ['null key', { jwks: { keys: [null] } }],
    ['21 keys', { jwks: { keys: Array.from({ length: 21 }, () => KEY) } }],
    ['jwks beside jwks_uri', { jwks: { keys: [KEY] }, jwks_uri: 'https://c.test/jwks' }],
    ['neither', {}],
  ])('D16 refuses %s', (_name, members) => {
    expect(refusal(keyed(members))).toBe('invalid_client_metadata')
  })

  it('D16 keeps public keys for clients that use them', () => {
    expect(registered(keyed({ jwks: { keys: [KEY] } })).jwks).toEqual({ keys: [KEY] })
    const jwks_uri = 'https://c.test/jwks'
    expect(registered(keyed({ jwks_uri })).jwks_uri).toBe(jwks_uri)
    expect(registered({ ...GOOD, jwks_uri })).not.toHaveProperty('jwks_uri')
    expect(refusal({ ...GOOD, jwks: { keys: [{ ...KEY, d: 'd' }] } })).toBe(
      'invalid_client_metadata',
    )
  })

  it('D21 ignores a software statement', () => {
    expect(registered({ ...GOOD, software_statement: 'a.b.c' })).toEqual(registered(GOOD))
  })

  it('refuses a software id that is long or not printable', () => {
    expect(registered({ ...GOOD, software_id: 'a'.repeat(255) }).software_id).toHaveLength(255)
    expect(refusal({ ...GOOD, software_id: 'a'.repeat(256) })).toBe('invalid_client_metadata')
    expect(refusal({ ...GOOD, software_version: '1\n2' })).toBe('invalid_client_metadata')
  })

  it('A39 cleans the name and drops one without visible characters', () => {
    expect(registered({ ...GOOD, client_name: 'Cl\u202eaude\u0000' }).client_name).toBe('Claude')
    expect(registered({ ...GOOD, client_name: '\u200b\u0000' })).not.toHaveProperty('client_name')
    expect(refusal({ ...GOOD, client_name: { en: 'x' } })).toBe('invalid_client_metadata')
  })

  it('never repeats a value in a refusal', () => {
    const bodies = [
      { redirect_uris: ['http://canary.test/'] },
      { ...GOOD, grant_types: ['implicit', 'canary'] },
      { ...GOOD, logo_uri: 'canary' },
      { ...GOOD, token_endpoint_auth_method: 'canary' },
      { ...GOOD, jwks: { keys: [{ kty: 'oct', k: 'canary' }] } },
    ]
    for (const body of bodies) expect(JSON.stringify(register(body))).not.toContain('canary')
  })
})
