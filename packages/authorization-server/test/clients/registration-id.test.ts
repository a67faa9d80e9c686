import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../../src/clients/client-policy.js'
import { parseRegistration } from '../../src/clients/registration.js'
import { registrationId } from '../../src/clients/registration-id.js'
import { REGISTRATION_BODIES } from './registration-bodies.js'

const KEY = 'canary-registration-key-0123456789'

function metadata(body: unknown): ClientMetadata {
  const result = parseRegistration(body, { redirectPolicy: {} })
  if (!result.ok) throw new Error(result.description)
  return result.metadata
}

const BODY = {
  client_name: 'Client',
  redirect_uris: ['http://localhost:1111/cb', 'https://c.test/cb'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
  software_id: 'one',
}
const id = (members: object = {}, key: string | Uint8Array = KEY) =>
  registrationId(metadata({ ...BODY, ...members }), key)

describe('registrationId()', () => {
  it.each(Object.entries(REGISTRATION_BODIES))(
    'D20 M19 gives %s an id that is no URL',
    (_name, body) => {
      expect(registrationId(metadata(body), KEY)).toMatch(/^dcr_[A-Za-z0-9_-]{43}$/)
    },
  )

  it.each([
    ['the same body', {}],
    ['another loopback port', { redirect_uris: ['http://localhost:2222/cb', 'https://c.test/cb'] }],
    ['no loopback port', { redirect_uris: ['http://localhost/cb', 'https://c.test/cb'] }],
    ['another order', { redirect_uris: ['https://c.test/cb', 'http://localhost:1111/cb'] }],
    ['grants in another order', { grant_types: ['refresh_token', 'authorization_code'] }],
    ['another version', { software_version: '2' }],
    ['a scope', { scope: 'coda.read' }],
    ['invisible characters in the name', { client_name: 'Cl\u200bient' }],
  ])('D18 gives a public client with %s the same id', (_name, members) => {
    expect(id(members)).toBe(id())
  })

  it.each([
    ['another name', { client_name: 'Client2' }],
    ['no name', { client_name: '' }],
    ['another path', { redirect_uris: ['http://localhost:1111/cb2', 'https://c.test/cb'] }],
    ['another loopback host', { redirect_uris: ['http://127.0.0.1:1111/cb', 'https://c.test/cb'] }],
    ['another https port', { redirect_uris: ['http://localhost:1111/cb', 'https://c.test:1/cb'] }],
    ['one redirect URI less', { redirect_uris: ['https://c.test/cb'] }],
    ['fewer grants', { grant_types: ['authorization_code'] }],
    ['another software id', { software_id: 'two' }],
    // Or else a stranger could register first and lend a known client a link or a logo.
    ['another page', { client_uri: 'https://evil.test/' }],
    ['another logo', { logo_uri: 'https://evil.test/' }],
    ['other terms', { tos_uri: 'https://evil.test/' }],
    ['another policy', { policy_uri: 'https://evil.test/' }],
  ])('D18 gives a public client with %s another id', (_name, members) => {
    expect(id(members)).not.toBe(id())
  })

  it('does not confuse one member with its neighbour', () => {
    const page = { client_uri: 'https://c.test/', logo_uri: '' }
    const logo = { client_uri: '', logo_uri: 'https://c.test/' }
    expect(id(page)).not.toBe(id(logo))
  })

  it('cannot be foretold without the key', () => {
    expect(id({}, 'another key')).not.toBe(id())
    expect(id({}, new TextEncoder().encode(KEY))).toBe(id())
  })

  it.each(['client_secret_basic', 'client_secret_post'])(
    'gives a client with %s a new id each time',
    (method) => {
      const members = { token_endpoint_auth_method: method }
      const ids = new Set(Array.from({ length: 20 }, () => id(members)))
      expect(ids.size).toBe(20)
      for (const each of ids) expect(each).toMatch(/^dcr_[A-Za-z0-9_-]{43}$/)
    },
  )

  it('gives a client with keys a new id each time', () => {
    const jwks_uri = 'https://c.test/jwks'
    const members = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri }
    expect(id(members)).not.toBe(id(members))
  })
})
